import { compileGraph } from '../compile/compile.js';
import { input } from '../graph/leaf.js';
import { type Outcome, outcomeOf } from '../graph/outcome.js';
import { sizeOf } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { add } from '../ops/primitives/elementwise.js';
import { matmul } from '../ops/primitives/matmul.js';
import { Executable } from '../runtime/executable.js';
import { nativeKernels } from '../runtime/native-kernels.js';

/** A rate measurement in one thread. */
export interface Effort {
  /** Products of square matrices, or sums of vectors; `size` is the length of a side. */
  readonly kind: 'product' | 'sum';
  readonly size: number;
  readonly milliseconds: number;
}

interface Work {
  run(): void;
  /** Operations of a product, or bytes moved by a sum. */
  readonly amount: number;
}

const prepared = new Map<string, Work>();

/** Entry point of the pool: measures a rate. */
export default function work(effort: Effort): Promise<Outcome<number>> {
  return outcomeOf(() => measureRate(effort));
}

/** Repeats the same work for a while and returns its rate, in 10^9 operations or bytes per second. */
function measureRate({ kind, size, milliseconds }: Effort): number {
  const key = `${kind} ${size}`;
  const work = prepared.get(key) ?? warmedUp(prepare(kind, size));
  prepared.set(key, work);
  const start = performance.now();
  let times = 0;
  while (performance.now() - start < milliseconds) {
    work.run();
    times++;
  }
  return (work.amount * times) / (performance.now() - start) / 1e6;
}

function warmedUp(work: Work): Work {
  work.run();
  return work;
}

function prepare(kind: Effort['kind'], size: number): Work {
  return kind === 'product'
    ? { run: runner([size, size], matmul), amount: 2 * size ** 3 }
    : { run: runner([size], add), amount: 3 * Float32Array.BYTES_PER_ELEMENT * size };
}

/** Compiles one op on two arrays; returns the function that runs it. */
function runner(shape: readonly number[], op: (a: Tensor, b: Tensor) => Tensor): () => void {
  const inputs = [input('a', shape), input('b', shape)] as const;
  const { plan } = compileGraph({ inputs, outputs: [op(...inputs)] }, nativeKernels);
  const executable = new Executable(plan);
  const bindings = [0, 1, 2].map(() => new Float32Array(sizeOf(shape)).fill(0.5));
  return () => executable.run(bindings, { seed: 0, step: 0 });
}

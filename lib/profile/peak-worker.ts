import { compileGraph } from '../compile/compile.js';
import { input } from '../graph/ops/leaf.js';
import { matmul } from '../graph/ops/matmul.js';
import { Executable } from '../runtime/executable.js';

/** What a thread multiplies, and for how long. */
export interface Product {
  /** Of square matrices. */
  readonly size: number;
  readonly milliseconds: number;
}

const products = new Map<number, () => void>();

/** Multiplies matrices for a while and gives the rate, in GFLOP/s. */
export default function multiply({ size, milliseconds }: Product): number {
  const run = products.get(size) ?? product(size);
  products.set(size, run);
  run();
  const start = performance.now();
  let times = 0;
  while (performance.now() - start < milliseconds) {
    run();
    times++;
  }
  return (2 * size ** 3 * times) / (performance.now() - start) / 1e6;
}

function product(size: number): () => void {
  const matrix = () => new Float32Array(size * size).fill(0.5);
  const inputs = [input('a', [size, size]), input('b', [size, size])] as const;
  const { plan } = compileGraph({ inputs, outputs: [matmul(...inputs)] });
  const executable = new Executable(plan);
  const bindings = [matrix(), matrix(), matrix()];
  return () => executable.run(bindings, { seed: 0, step: 0 });
}

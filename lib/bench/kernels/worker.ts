import { type Outcome, outcomeOf } from '../../graph/outcome.js';
import { sizeOf } from '../../graph/shapes.js';
import { addon } from '../../runtime/addon.js';
import { alignedFloats } from '../limits/aligned-floats.js';
import { randomValues } from '../random-data.js';
import { kernelNamed } from './cases/index.js';
import type { KernelCase, Product } from './kernel-case.js';
import { type PreparedKernel, prepareKernel } from './prepare-kernel.js';

/** A kernel to time on one thread. */
export interface KernelTask {
  /** The full name of the case. */
  readonly name: string;
  /** Whose: the library's, or the product of the BLAS. */
  readonly by: 'plan' | 'blas';
  readonly milliseconds: number;
}

interface Prepared {
  readonly of: KernelCase;
  readonly plan: PreparedKernel;
  readonly blas?: (milliseconds: number) => number;
}

let prepared: Prepared | undefined;

/** Entry point of the threads: the milliseconds of one run. */
export default function work(task: KernelTask): Promise<Outcome<number>> {
  return outcomeOf(() => {
    const { plan, blas } = prepare(task.name);
    if (task.by === 'plan') return plan.time(task.milliseconds);
    if (!blas) throw new Error(`bench kernels: a BLAS has no ${task.name}`);
    return blas(task.milliseconds);
  });
}

/** The kernel of a case. Only that of the last case is kept. */
function prepare(name: string): Prepared {
  const of = kernelNamed(name);
  if (prepared?.of === of) return prepared;
  prepared?.plan.release();
  prepared = undefined;
  const { product } = of;
  prepared = { of, plan: prepareKernel(of), ...(product ? { blas: prepareBlas(of, product) } : {}) };
  return prepared;
}

function prepareBlas({ inputs }: KernelCase, product: Product): (milliseconds: number) => number {
  const { rows, columns, depth, transposeA, transposeB } = product;
  const [a, b] = inputs.map((values, i) => {
    const memory = alignedFloats(sizeOf(values.shape));
    memory.set(randomValues(values, 1, i + 1));
    return memory;
  }) as [Float32Array, Float32Array];
  const out = alignedFloats(rows * columns);
  const shape = Int32Array.of(rows, columns, depth, Number(transposeA), Number(transposeB));
  return (milliseconds) => addon().probeBlas(a, b, out, shape, milliseconds);
}

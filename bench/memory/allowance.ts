/**
 * Allowance for Node beyond the promised memory, in bytes: for the process, and for each worker thread. It covers the
 * engine's heaps, which hold the graph during compilation and the plan at run time, compiled code, stacks, and the
 * buffers that the BLAS packs matrices into.
 */
export const ALLOWANCE = { process: 64e6, worker: 64e6 } as const;

/** The allowance of a training on a number of workers. */
export function allowanceFor(workers: number): number {
  return ALLOWANCE.process + workers * ALLOWANCE.worker;
}

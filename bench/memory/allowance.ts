/**
 * What Node may take besides the memory that is promised, in bytes: for the process, and for each worker thread. It is for the
 * engine's heaps, which hold the graph while it is compiled and the plan where it is run, for compiled code, stacks, and the
 * buffers that the BLAS packs matrices into.
 */
export const ALLOWANCE = { process: 64e6, worker: 64e6 } as const;

/** The allowance of a training on so many workers. */
export function allowanceFor(workers: number): number {
  return ALLOWANCE.process + workers * ALLOWANCE.worker;
}

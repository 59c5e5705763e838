import { usableCores } from '../parallel/prepare/cores.js';

/** The number of threads that may run at once; a trainer left to choose may use fewer. */
export function threadsOf(workers: number | 'auto'): number {
  return workers === 'auto' ? usableCores().cores : workers;
}

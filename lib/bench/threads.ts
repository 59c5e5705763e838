import { usableCores } from '../parallel/prepare/cores.js';

/** The threads that may work at once; a trainer that chooses by itself may use fewer. */
export function threadsOf(workers: number | 'auto'): number {
  return workers === 'auto' ? usableCores().cores : workers;
}

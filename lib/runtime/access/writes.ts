import type { Variable } from '../../graph/leaf.js';

/** Number of writes of this thread that have ended. */
let ended = 0;

/** A number that grows whenever somebody on this thread has written variables. */
export function writesEnded(): number {
  return ended;
}

/** Notes that variables have new values from now on. */
export function noteWrite(variables: readonly Variable[]): void {
  if (variables.length === 0) return;
  ended++;
  for (const { storage } of variables) storage.use.version = ended;
}

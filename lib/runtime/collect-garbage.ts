import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Lets the engine give up what nobody refers to any more: what was needed to compile. It would do so by itself, but only
 * when its heap is full, and a memory budget is for the whole process. Takes some milliseconds.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  // What the first one frees, the second gives back to the system.
  collect();
  collect();
}

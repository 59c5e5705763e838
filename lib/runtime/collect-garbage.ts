import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Collects garbage at once, such as the data of a compilation. The engine would do so only when its heap is full, but a
 * memory budget is for the whole process. Takes some milliseconds.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
  }
  // The second call returns to the system the memory that the first one frees.
  collect();
  collect();
}

import os from 'node:os';
import { messageOf } from '../../graph/errors.js';

/** Makes this thread yield to others, by a nice value. Where the system refuses it, as in some sandboxes, it warns. */
export function lowerPriority(nice: number): void {
  try {
    os.setPriority(Math.min(os.getPriority() + nice, os.constants.priority.PRIORITY_LOW));
  } catch (error) {
    process.emitWarning(`the option nice has no effect here: ${messageOf(error)}`, 'ChainruleWarning');
  }
}

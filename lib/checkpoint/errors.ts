import { type ChainruleError, failed, messageOf } from '../graph/errors.js';

/** An error with the directory of the checkpoints, the operation that failed, and the cause. */
export function directoryError(dir: string, what: string, cause: unknown): ChainruleError {
  const expected = `checkpoint dir ${dir}: ${what}: ${messageOf(cause)}`;
  return failed('ERR_CHAINRULE_CHECKPOINT', 'fit', expected, { cause });
}

/** Emits a warning about checkpoints; training continues. */
export function warn(message: string): void {
  process.emitWarning(message, { code: 'CHAINRULE_CHECKPOINT' });
}

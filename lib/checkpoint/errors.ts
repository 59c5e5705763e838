import { type ChainruleError, failed, hasCode, messageOf } from '../graph/errors.js';

/** An error with the directory of the checkpoints, the operation that failed, and the cause. */
export function directoryError(dir: string, what: string, cause: unknown): ChainruleError {
  const expected = `checkpoint dir ${dir}: ${what}: ${messageOf(cause)}`;
  const notFinite = hasCode(cause, 'ERR_CHAINRULE_NON_FINITE');
  return failed(notFinite ? 'ERR_CHAINRULE_NON_FINITE' : 'ERR_CHAINRULE_CHECKPOINT', 'fit', expected, {
    cause,
  });
}

/** Emits a warning about checkpoints; training continues. */
export function warn(message: string): void {
  process.emitWarning(message, { code: 'CHAINRULE_CHECKPOINT' });
}

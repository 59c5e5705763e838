import { type ChainruleError, invalid } from '../graph/errors.js';

/** An error that names the directory of the checkpoints, what could not be done with it, and the cause. */
export function directoryError(dir: string, failed: string, cause: unknown): ChainruleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const error = invalid('fit', `checkpoint dir ${dir}: ${failed}: ${reason}`);
  error.cause = cause;
  return error;
}

/** Warns of something about checkpoints that training goes on without. */
export function warn(message: string): void {
  process.emitWarning(message, { code: 'CHAINRULE_CHECKPOINT' });
}

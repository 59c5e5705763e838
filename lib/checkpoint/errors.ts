import { type ChainruleError, invalid } from '../graph/errors.js';

/** An error with the directory of the checkpoints, the operation that failed, and the cause. */
export function directoryError(dir: string, failed: string, cause: unknown): ChainruleError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const error = invalid('fit', `checkpoint dir ${dir}: ${failed}: ${reason}`);
  error.cause = cause;
  return error;
}

/** Emits a warning about checkpoints; training continues. */
export function warn(message: string): void {
  process.emitWarning(message, { code: 'CHAINRULE_CHECKPOINT' });
}

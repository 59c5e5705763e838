import { encodeError } from './encode-error.js';
import { decodeError, type ErrorData } from './error-data.js';
import { ChainruleError, messageOf } from './errors.js';

/** What a thread reports of a piece of work: its value or its error. */
export type Outcome<T> = { readonly value: T } | { readonly failure: ErrorData };

/** Does a piece of work for another thread. An error becomes part of the outcome. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failure: encodeError(error) };
  }
}

/** The value that another thread reports; throws the error that it reports. */
export function resultOf<T>(outcome: Outcome<T>): T {
  if ('failure' in outcome) throw decodeError(outcome.failure);
  return outcome.value;
}

/**
 * The failure of a training step or an evaluation as its caller gets it: the same error, but with the stack of the
 * caller; `cause` is the error of the thread. An error from outside the library becomes one of `op`.
 */
export function stepError(op: string, cause: unknown): ChainruleError {
  const message = messageOf(cause);
  if (!(cause instanceof ChainruleError)) {
    return new ChainruleError(op, message, message, undefined, { code: 'ERR_CHAINRULE_STEP_FAILED', cause });
  }
  const { code, expected, received } = cause;
  return new ChainruleError(cause.op, expected, message, received, { code, cause });
}

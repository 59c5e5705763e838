import { isErrorCode } from '../graph/error-codes.js';
import { ChainruleError } from '../graph/errors.js';

type NativeFunction = (...args: unknown[]) => unknown;

/** The addon with functions whose errors, thrown or of a promise, are those of the library. */
export function withErrors<Exports extends object>(native: Exports): Exports {
  const all = { ...native };
  for (const [name, value] of Object.entries(native)) {
    if (typeof value === 'function') Reflect.set(all, name, guarded(value));
  }
  return all;
}

function guarded(call: NativeFunction): NativeFunction {
  return (...args) => {
    try {
      const result = call(...args);
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (cause) {
      return rethrow(cause);
    }
  };
}

/**
 * Throws the error that the fields of a native one describe; one without such fields, as for a plan that does not fit its
 * kernels, is thrown as it is.
 */
function rethrow(cause: unknown): never {
  if (!(cause instanceof Error && 'op' in cause && 'expected' in cause)) throw cause;
  const { op, expected, message } = cause;
  if (typeof op !== 'string' || typeof expected !== 'string') throw cause;
  if (!('code' in cause)) throw new ChainruleError(op, expected, message);
  const { code } = cause;
  if (!isErrorCode(code)) throw new Error(`addon: the code ${code} of an error is in no list`, { cause });
  throw new ChainruleError(op, expected, message, undefined, { code });
}

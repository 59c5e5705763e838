import type { ErrorCode } from './error-codes.js';
import { ChainruleError } from './errors.js';

/** An error as plain data, which crosses threads whole: structured clone drops the class and the fields of errors. */
export type ErrorData = ChainruleData | OtherData | { readonly kind: 'value'; readonly value: unknown };

interface CommonData {
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause?: ErrorData;
}

/** A `ChainruleError`; `received` is left out if it cannot be cloned. */
interface ChainruleData extends CommonData {
  readonly kind: 'chainrule';
  readonly code: ErrorCode;
  readonly op: string;
  readonly expected: string;
  readonly received: unknown;
  readonly layer: string | undefined;
}

/** Any other error, with the class of JavaScript that it extends, and its fields, such as `code`. */
interface OtherData extends CommonData {
  readonly kind: 'error';
  /** Name of one of `classes`; an error with `errors` is an `AggregateError`. */
  readonly type: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly errors?: readonly ErrorData[];
}

/** The classes of JavaScript that other errors may extend, each before the one that it extends. */
export const classes: Readonly<Record<string, new (message: string, options?: ErrorOptions) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  Error,
};

/** A plain `Error` with a message and nothing else. */
export function errorData(message: string): ErrorData {
  return { kind: 'error', type: 'Error', name: 'Error', message, stack: undefined, fields: {} };
}

/** Rebuilds what was thrown, with its class, fields, stack, causes and joined errors. */
export function decodeError(data: ErrorData): unknown {
  if (data.kind === 'value') return data.value;
  const options = data.cause ? { cause: decodeError(data.cause) } : {};
  const error =
    data.kind === 'chainrule'
      ? new ChainruleError(data.op, data.expected, data.message, data.received, {
          code: data.code,
          layer: data.layer,
          ...options,
        })
      : otherError(data, options);
  Object.defineProperty(error, 'stack', { value: data.stack, configurable: true, writable: true });
  return error;
}

function otherError({ type, name, message, fields, errors }: OtherData, options: ErrorOptions): Error {
  const made = errors
    ? new AggregateError(errors.map(decodeError), message, options)
    : new (classes[type] ?? Error)(message, options);
  const error = Object.assign(made, fields);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  return error;
}

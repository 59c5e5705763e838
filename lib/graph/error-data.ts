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
}

/** Any other error, with the class of JavaScript that it extends, and its fields, such as `code`. */
interface OtherData extends CommonData {
  readonly kind: 'error';
  readonly type: keyof typeof classes;
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const classes = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error } as const;
const types = ['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'] as const;

/** Serialises whatever was thrown, with its causes. */
export function encodeError(thrown: unknown, seen = new Set<unknown>()): ErrorData {
  if (!(thrown instanceof Error)) {
    const copy = copyOf(() => thrown);
    return { kind: 'value', value: copy ? copy.value : String(thrown) };
  }
  seen.add(thrown);
  const { message, stack, cause } = thrown;
  const causes = 'cause' in thrown && !seen.has(cause) ? { cause: encodeError(cause, seen) } : {};
  const common = { message, stack, ...causes };
  if (thrown instanceof ChainruleError) {
    const { code, op, expected } = thrown;
    return {
      kind: 'chainrule',
      code,
      op,
      expected,
      received: copyOf(() => thrown.received)?.value,
      ...common,
    };
  }
  const type = types.find((name) => thrown instanceof classes[name]) ?? 'Error';
  return { kind: 'error', type, name: thrown.name, fields: fieldsOf(thrown), ...common };
}

/** Rebuilds what was thrown, with its class, fields, stack and causes. */
export function decodeError(data: ErrorData): unknown {
  if (data.kind === 'value') return data.value;
  const options = data.cause ? { cause: decodeError(data.cause) } : {};
  const error =
    data.kind === 'chainrule'
      ? new ChainruleError(data.op, data.expected, data.message, data.received, {
          code: data.code,
          ...options,
        })
      : otherError(data, options);
  Object.defineProperty(error, 'stack', { value: data.stack, configurable: true, writable: true });
  return error;
}

function otherError({ type, name, message, fields }: OtherData, options: ErrorOptions): Error {
  const error = Object.assign(new classes[type](message, options), fields);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  return error;
}

/** The fields that can be read and cloned. The code may be a getter of the class, which is not among the keys. */
function fieldsOf(error: Error): Record<string, unknown> {
  const names = new Set(['code', ...Object.keys(error)]);
  for (const name of ['name', 'message', 'stack', 'cause']) names.delete(name);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const copy = name in error && copyOf(() => Reflect.get(error, name));
      return copy ? [[name, copy.value]] : [];
    }),
  );
}

/** A clone of what a function returns, or undefined if it throws or there is none. */
function copyOf(read: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: structuredClone(read()) };
  } catch {
    return undefined;
  }
}

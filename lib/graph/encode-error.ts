import { classes, type ErrorData, errorData } from './error-data.js';
import { ChainruleError, messageOf } from './errors.js';

/** Most errors that are serialised together: the one thrown, causes, and the errors of an `AggregateError`. */
const MOST = 100;

/**
 * Serialises whatever was thrown, with the errors behind it. It never throws, and its result can be cloned: fields that
 * cannot be read or cloned are left out, and so are errors that are behind themselves, and those beyond the limit.
 */
export function encodeError(thrown: unknown): ErrorData {
  const copy = copyOf(() => new Encoder().encode(thrown));
  return copy?.value ?? errorData(messageOf(thrown));
}

class Encoder {
  #left = MOST;
  /** The error being serialised, and those that it is behind. */
  readonly #path = new Set<unknown>();

  encode(thrown: unknown): ErrorData | undefined {
    if (this.#left === 0 || this.#path.has(thrown)) return undefined;
    this.#left--;
    if (!(thrown instanceof Error)) {
      return { kind: 'value', value: (copyOf(() => thrown) ?? { value: messageOf(thrown) }).value };
    }
    this.#path.add(thrown);
    const data = this.#encodeError(thrown);
    this.#path.delete(thrown);
    return data;
  }

  #encodeError(error: Error): ErrorData {
    // Whoever threw the error may have given it a stack and a name that are no strings.
    const stack = attempt(() => error.stack && String(error.stack))?.value;
    const common = { message: messageOf(error), stack, ...this.#causeOf(error) };
    if (error instanceof ChainruleError) {
      const { code, op, expected, layer } = error;
      const received = copyOf(() => error.received)?.value;
      return { kind: 'chainrule', code, op, expected, layer, received, ...common };
    }
    const [type] = Object.entries(classes).find(([, one]) => error instanceof one) ?? ['Error'];
    const name = attempt(() => String(error.name))?.value ?? type;
    const errors = error instanceof AggregateError ? { errors: this.#errorsOf(error) } : {};
    return { kind: 'error', type, name, fields: fieldsOf(error), ...errors, ...common };
  }

  #causeOf(error: Error): { readonly cause?: ErrorData } {
    const read = 'cause' in error && attempt(() => error.cause);
    const cause = read ? this.encode(read.value) : undefined;
    return cause ? { cause } : {};
  }

  #errorsOf(error: AggregateError): ErrorData[] {
    const errors: unknown = attempt(() => error.errors)?.value;
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, this.#left).flatMap((one) => this.encode(one) ?? []);
  }
}

/** The fields that can be read and cloned. The code may be a getter of the class, which is not among the keys. */
function fieldsOf(error: Error): Record<string, unknown> {
  const names = new Set(['code', ...Object.keys(error)]);
  for (const name of ['name', 'message', 'stack', 'cause']) names.delete(name);
  if (error instanceof AggregateError) names.delete('errors');
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const copy = name in error && copyOf(() => Reflect.get(error, name));
      return copy ? [[name, copy.value]] : [];
    }),
  );
}

/** A clone of what a function returns, or undefined if it throws or there is none. */
function copyOf<T>(read: () => T): { readonly value: T } | undefined {
  return attempt(() => structuredClone(read()));
}

/** What a function returns, or undefined if it throws. */
function attempt<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch {
    return undefined;
  }
}

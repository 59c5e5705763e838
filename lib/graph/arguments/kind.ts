import { type ChainruleError, captureStack, failed, invalid } from '../errors.js';
import { isRecord } from './is-record.js';
import { nearestName } from './nearest-name.js';

/**
 * A kind of value that an argument or an option may have: a test, and the words in which an error says what was
 * expected. The type parameter is the type of the values that it accepts.
 */
export interface Kind<out T> {
  /** What the value must be, as in "axis must be an integer". */
  readonly description: string;
  /** True if a value is of this kind. */
  accepts(value: unknown): boolean;
  /**
   * Says what is wrong inside a value, such as an unknown key of an options object; undefined if the description says
   * it all.
   */
  explain?(op: string, name: string, value: unknown): ChainruleError | undefined;
  /** Only for the compiler: there is no such value. */
  readonly type?: T;
}

/** A kind of value from its description and its test. */
export function kind<T>(description: string, accepts: (value: unknown) => boolean): Kind<T> {
  return { description, accepts };
}

/**
 * Checks that an argument or an option is of a kind.
 *
 * @throws ChainruleError such as `softmax: axis must be an integer, got an object`
 */
export function requireKind<T>(op: string, name: string, expected: Kind<T>, value: unknown): T {
  const error = refusal(op, name, expected, value);
  if (!error) return value as T;
  captureStack(error, requireKind);
  throw error;
}

/** The error for a value that is not of a kind; undefined if it is. */
export function refusal(
  op: string,
  name: string,
  expected: Kind<unknown>,
  value: unknown,
): ChainruleError | undefined {
  try {
    if (expected.accepts(value)) return undefined;
    return expected.explain?.(op, name, value) ?? invalid(op, ruleFor(name, expected, value), value);
  } catch (cause) {
    // A proxy or a getter that throws.
    const rule = `${name} must be ${expected.description}, and it cannot be read`;
    return failed('ERR_CHAINRULE_INVALID', op, rule, { cause });
  }
}

function ruleFor(name: string, expected: Kind<unknown>, value: unknown): string {
  const hint = valueInObject(name, expected, value);
  return `${name} must be ${expected.description}${hint ? `; ${hint}` : ''}`;
}

/** The hint for an argument in an object, as other frameworks name it: `{ p: 0.5 }` in place of 0.5. */
function valueInObject(name: string, expected: Kind<unknown>, value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const [key, inner] = Object.entries(value)[0] ?? [];
  if (key === undefined || !expected.accepts(inner) || nearestName(key, [name]) === undefined)
    return undefined;
  return `write its value alone instead of { ${key}: ... }`;
}

/** A kind whose value may be left out, or be undefined. */
export function optional<T>(inner: Kind<T>): Kind<T | undefined> {
  return { ...inner, accepts: (value) => value === undefined || inner.accepts(value) };
}

/** A value of one of several kinds. */
export function either<T extends readonly unknown[]>(
  ...kinds: { readonly [I in keyof T]: Kind<T[I]> }
): Kind<T[number]> {
  return {
    description: kinds.map(({ description }) => description).join(' or '),
    accepts: (value) => kinds.some((one) => one.accepts(value)),
    // An object can only have been meant for the kind that has something to say about its contents.
    explain: (op, name, value) =>
      typeof value === 'object' && value !== null
        ? first(kinds, (one) => one.explain?.(op, name, value))
        : undefined,
  };
}

/** An array of values of one kind, of any length by default. */
export function listOf<T>(inner: Kind<T>, plural: string, length?: number): Kind<readonly T[]> {
  return {
    description: length === undefined ? `an array of ${plural}` : `an array of ${length} ${plural}`,
    accepts: (value) =>
      Array.isArray(value) &&
      (length ?? value.length) === value.length &&
      // Spread, because every() passes over the holes of a sparse array.
      [...value].every((v) => inner.accepts(v)),
    explain(op, name, value) {
      if (!Array.isArray(value)) return undefined;
      return first([...value.entries()], ([i, entry]) =>
        inner.accepts(entry) ? undefined : inner.explain?.(op, `${name}[${i}]`, entry),
      );
    },
  };
}

function first<T, R>(values: readonly T[], of: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = of(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

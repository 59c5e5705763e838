import { type ChainruleError, invalid } from '../errors.js';
import { type Kind, refusal, requireKind } from './kind.js';
import { isRecord } from './kinds.js';
import { nearestName } from './nearest-name.js';

/** A kind of option that callers have to give. */
export interface Needed<out T> extends Kind<T> {
  readonly needed: true;
}

/** Marks an option that callers have to give. */
export function needed<T>(inner: Kind<T>): Needed<T> {
  return { ...inner, needed: true };
}

/** The kind of every option of a type; those that the type demands are marked as needed. */
export type OptionKinds<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? Kind<Exclude<T[K], undefined>>
    : Needed<T[K]>;
};

/** An options object: a kind of value whose keys are known. */
export interface Options<out T> extends Kind<T> {
  readonly kinds: Readonly<Record<string, Kind<unknown>>>;
}

/**
 * The options object of a type: its keys, each with its kind. The compiler holds them against the type, so a key can
 * neither be missing nor be surplus.
 */
export function optionsOf<T extends object>(kinds: OptionKinds<T>): Options<T> {
  const known = kinds as Readonly<Record<string, Kind<unknown> & { readonly needed?: true }>>;
  const explain = (op: string, name: string, value: unknown): ChainruleError | undefined => {
    if (!isRecord(value)) return undefined;
    const prefix = name === 'options' ? '' : `${name}.`;
    for (const key in value) {
      if (!Object.hasOwn(known, key)) return unknownName(op, 'option', key, Object.keys(known), prefix);
    }
    for (const [key, expected] of Object.entries(known)) {
      const given = value[key];
      if (given === undefined && !expected.needed) continue;
      const error = refusal(op, prefix + key, expected, given);
      if (error) return error;
    }
    return undefined;
  };
  return {
    description: 'a plain object',
    accepts: (value) => isRecord(value) && explain('', '', value) === undefined,
    explain,
    kinds: known,
  };
}

/**
 * Checks an options object: its keys and their values.
 *
 * @throws ChainruleError such as `Linear: unknown option useBias; did you mean bias?`
 */
export function readOptions<T>(op: string, expected: Options<T>, given: unknown): T {
  return requireKind(op, 'options', expected, given);
}

/**
 * The error for a name that is not among the known ones, with the nearest of them.
 *
 * @param prefix what stands before the names: `checkpoint.`
 */
export function unknownName(
  op: string,
  what: string,
  name: string,
  known: readonly string[],
  prefix = '',
): ChainruleError {
  const nearest = nearestName(name, known);
  const list = known.length === 0 ? `there are no ${what}s` : `the ${what}s are ${known.join(', ')}`;
  const hint = nearest === undefined ? list : `did you mean ${prefix}${nearest}? (${list})`;
  return invalid(op, `unknown ${what} ${prefix}${name}; ${hint}`);
}

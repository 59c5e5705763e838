import { enumerate } from '../../text/names.js';
import { type ChainruleError, invalid } from '../errors.js';
import { isRecord } from './is-record.js';
import { type Kind, refusal } from './kind.js';
import { nearestName, noteOn } from './nearest-name.js';

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
export interface Options<T> extends Kind<T> {
  /** The kind of each option, for the options of another type that extends this one. */
  readonly kinds: OptionKinds<T>;
}

/**
 * The options object of a type: its keys, each with its kind. The compiler holds them against the type, so a key can
 * neither be missing nor be surplus.
 */
export function optionsOf<T extends object>(kinds: OptionKinds<T>): Options<T> {
  const known = kinds as Readonly<Record<string, Kind<unknown> & { readonly needed?: true }>>;
  const required = Object.keys(known).filter((key) => known[key]?.needed);
  const explain = (op: string, name: string, value: unknown): ChainruleError | undefined => {
    if (!isRecord(value)) return optionItself(op, name, known, value);
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
    description: ['a plain object', ...(required.length > 0 ? [`with ${enumerate(required)}`] : [])].join(
      ' ',
    ),
    accepts: (value) => isRecord(value) && explain('', '', value) === undefined,
    explain,
    kinds,
  };
}

/** The error for an option given by position, as other frameworks take it: 2 in place of `{ stride: 2 }`. */
function optionItself(
  op: string,
  name: string,
  known: Readonly<Record<string, Kind<unknown>>>,
  value: unknown,
): ChainruleError | undefined {
  if (value === undefined || value === null) return undefined;
  const key = Object.keys(known).find((option) => known[option]?.accepts(value));
  if (key === undefined) return undefined;
  const shown = typeof value === 'number' || typeof value === 'boolean' ? value : '...';
  return invalid(op, `${name} must be a plain object such as { ${key}: ${shown} }`, value);
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
  // Other names, as those of inputs, are the user's own.
  const note = what === 'option' || what === 'key' ? noteOn(name) : undefined;
  const list = known.length === 0 ? `there are no ${what}s` : `the ${what}s are ${known.join(', ')}`;
  const hint = nearest === undefined ? (note ?? list) : `did you mean ${prefix}${nearest}? (${list})`;
  return invalid(op, `unknown ${what} ${prefix}${name}; ${hint}`);
}

import { isRecord } from './arguments/is-record.js';
import { type Kind, refusal } from './arguments/kind.js';
import { type ChainruleError, invalid } from './errors.js';

/** One value, a list of values, or a record of them by name: the inputs and the outputs of models are so structured. */
export type Structure<T> = T | readonly T[] | { readonly [name: string]: T };

/** A structure of the same form with other values. */
export type StructureLike<S, T, R> = S extends T ? R : { readonly [K in keyof S]: R };

/** A part of a structure with its place: '' for a value alone, `[0]` in a list, `.user` in a record. */
export type Part<T> = readonly [place: string, value: T];

/** The parts of a structure, in order. */
export function partsOf<T>(structure: Structure<T>, { accepts }: Pick<Kind<T>, 'accepts'>): Part<T>[] {
  if (accepts(structure)) return [['', structure as T]];
  if (Array.isArray(structure)) return structure.map((value: T, i) => [`[${i}]`, value]);
  return Object.entries(structure as Record<string, T>).map(([name, value]) => [`.${name}`, value]);
}

/** The structure that has these parts. */
export function structureOf<T>(parts: readonly Part<T>[]): Structure<T> {
  const [first] = parts;
  if (first?.[0] === '') return first[1];
  if (first?.[0].startsWith('[')) return parts.map(([, value]) => value);
  return Object.fromEntries(parts.map(([place, value]) => [place.slice(1), value]));
}

/** A structure of the same form, of what a function makes of each part. */
export function mapStructure<T, R>(
  structure: Structure<T>,
  kind: Pick<Kind<T>, 'accepts'>,
  fn: (value: T, place: string) => R,
): Structure<R> {
  return structureOf(partsOf(structure, kind).map(([place, value]) => [place, fn(value, place)]));
}

/**
 * A value of a kind, or a list or a record of such values.
 *
 * @param plural the kind's values in words, as in "a record of tensors"
 */
export function structured<T>(inner: Kind<T>, plural: string): Kind<Structure<T>> {
  const several = (value: unknown) => Array.isArray(value) || isRecord(value);
  return {
    description: `${inner.description}, or a list or a record of ${plural}`,
    accepts(value) {
      if (inner.accepts(value)) return true;
      if (!several(value)) return false;
      const values = Object.values(value as object);
      // The holes of a sparse list are no values.
      const whole = !Array.isArray(value) || values.length === value.length;
      return whole && values.length > 0 && values.every((one) => inner.accepts(one));
    },
    explain(op, name, value): ChainruleError | undefined {
      const own = inner.explain?.(op, name, value);
      if (own || !several(value)) return own;
      const entries = Object.entries(value as object);
      if (entries.length === 0) return invalid(op, `${name} must not be empty`, value);
      const [key, other] = entries.find(([, one]) => !inner.accepts(one)) ?? [];
      if (key === undefined) return undefined;
      return refusal(op, Array.isArray(value) ? `${name}[${key}]` : `${name}.${key}`, inner, other);
    },
  };
}

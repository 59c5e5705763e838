import { isRecord } from './arguments/is-record.js';
import { type Kind, refusal } from './arguments/kind.js';
import { type ChainruleError, invalid } from './errors.js';

/** One value, a list of values, or a record of them by name: the inputs and the outputs of models are so structured. */
export type Structure<T> = T | readonly T[] | { readonly [name: string]: T };

/** A constraint for a type that is to be such a structure, as an interface may be, which has no index signature. */
export type StructureOf<S, T> = T | { readonly [K in keyof S]: T };

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

/** The name in a place: `user` in `.user`, `0` in `[0]`. */
export function nameAt(place: string): string {
  return place.startsWith('[') ? place.slice(1, -1) : place.slice(1);
}

/** True for what may be several values: a list or a record. */
export function isSeveral(value: unknown): value is readonly unknown[] | Readonly<Record<string, unknown>> {
  return Array.isArray(value) || isRecord(value);
}

/**
 * A list or a record of values of a kind, which is not empty.
 *
 * @param plural the kind's values in words, as in "a record of tensors"
 */
export function several<T>(inner: Kind<T>, plural: string): Kind<Exclude<Structure<T>, T>> {
  return {
    description: `a list or a record of ${plural}`,
    accepts(value) {
      const values = isSeveral(value) ? partsWithin(value).map(([, one]) => one) : [];
      return values.length > 0 && values.every((one) => inner.accepts(one));
    },
    explain(op, name, value): ChainruleError | undefined {
      if (!isSeveral(value)) return undefined;
      const parts = partsWithin(value);
      if (parts.length === 0) return invalid(op, `${name} must not be empty`, value);
      const [place, other] = parts.find(([, one]) => !inner.accepts(one)) ?? [];
      return place === undefined ? undefined : refusal(op, name + place, inner, other);
    },
  };
}

/** A value of a kind, or a list or a record of such values. */
export function structured<T>(inner: Kind<T>, plural: string): Kind<Structure<T>> {
  const more = several(inner, plural);
  return {
    description: `${inner.description}, or ${more.description}`,
    accepts: (value) => inner.accepts(value) || more.accepts(value),
    explain(op, name, value): ChainruleError | undefined {
      const own = () => inner.explain?.(op, name, value);
      return isMeantAsSeveral(value, inner)
        ? (more.explain?.(op, name, value) ?? own())
        : (own() ?? more.explain?.(op, name, value));
    },
  };
}

/** The parts of a list or a record. The holes of a list are undefined. */
function partsWithin(value: readonly unknown[] | Readonly<Record<string, unknown>>): Part<unknown>[] {
  return partsOf<unknown>(Array.isArray(value) ? [...value] : value, { accepts: () => false });
}

/** True for a list or a record that holds records or values of the kind: options and shapes hold neither. */
function isMeantAsSeveral(value: unknown, inner: Kind<unknown>): boolean {
  return isSeveral(value) && Object.values(value).some((one) => isRecord(one) || inner.accepts(one));
}

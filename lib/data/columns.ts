import type { Kind } from '../graph/arguments/kind.js';
import { allocate, type TensorData, type TypedArray } from '../graph/dtype.js';
import { sizeOf } from '../graph/shapes.js';
import { nameAt, partsOf, type Structure, structureOf } from '../graph/structure.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { Form } from './transforms/program.js';

/** What a sample consists of: `weights` are left out where all samples count alike. */
export type Side = 'inputs' | 'targets' | 'weights';

/**
 * Something for each column of a data set, by its name: `inputs`, `targets` and `weights`, or, on a side with several
 * columns, `inputs.user` and `inputs[0]`.
 */
export type Columns<T> = { readonly [name: string]: T };

/** The sides of a data set, each of one column, a list or a record of them. */
export interface Sides<T> {
  readonly inputs: Structure<T>;
  readonly targets: Structure<T>;
  readonly weights?: Structure<T>;
}

/** The columns of all sides. */
export function columnsOf<T>(
  {
    inputs,
    targets,
    weights,
  }: { readonly [S in Side]: Structure<T> | (S extends 'weights' ? undefined : never) },
  kind: Pick<Kind<T>, 'accepts'>,
): Columns<T> {
  const named = Object.entries({ inputs, targets, weights }).flatMap(([side, structure]) =>
    structure === undefined ? [] : partsOf(structure, kind).map(([place, value]) => [side + place, value]),
  );
  return Object.fromEntries(named);
}

/** The sides that the columns are of. */
export function sidesOf<T>(columns: Columns<T>): Sides<T> {
  const side = (name: Side) =>
    structureOf(columnsOn(columns, name).map((column) => [column.slice(name.length), of(columns, column)]));
  return {
    inputs: side('inputs'),
    targets: side('targets'),
    ...(columnsOn(columns, 'weights').length > 0 ? { weights: side('weights') } : {}),
  };
}

/** The names of the columns on a side, in order. */
export function columnsOn(columns: Columns<unknown>, side: Side): string[] {
  return Object.keys(columns).filter(
    (name) => name === side || name.startsWith(`${side}.`) || name.startsWith(`${side}[`),
  );
}

/** The name of a column among those of its side, in a list an index; null if it is the only one. */
export function nameOn(side: Side, column: string): string | null {
  return column === side ? null : nameAt(column.slice(side.length));
}

/** What there is for a column, which must exist. */
export function of<T>(columns: Columns<T>, name: string): T {
  const value = columns[name];
  if (value === undefined) throw new RangeError(`there is no column ${name}`);
  return value;
}

/** The same columns with something else for each. */
export function mapColumns<T, R>(columns: Columns<T>, fn: (value: T, name: string) => R): Columns<R> {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, fn(value, name)]));
}

/** The names of the columns that nodes depend on. */
export function columnsRead(columns: Columns<Tensor>, nodes: readonly Tensor[]): ReadonlySet<string> {
  const all = new Set(reachable(nodes));
  return new Set(Object.keys(columns).filter((name) => all.has(of(columns, name))));
}

/** Room for samples: the first axis counts them. */
export function roomFor(forms: Columns<Form>, count: number): Columns<TensorData> {
  return mapColumns(forms, ({ dtype, shape }) => ({
    dtype,
    shape: [count, ...shape],
    data: allocate(dtype, count * sizeOf(shape)),
  }));
}

/** The arrays of columns with their forms. */
export function arraysOf(room: Columns<TensorData>): Columns<TypedArray> {
  return mapColumns(room, ({ data }) => data);
}

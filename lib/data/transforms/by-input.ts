import { either, type Kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { unknownName } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import { type Columns, columnsOn, mapColumns, nameOn } from '../columns.js';
import { type Transform, transformList } from './transform.js';

/** Transforms of the samples of a data set: a list for its only input, or lists by the names of several. */
export type TransformLists = readonly Transform[] | { readonly [input: string]: readonly Transform[] };

export const transformLists: Kind<TransformLists> = either(
  transformList,
  kinds.recordOf(transformList, 'a record of such arrays by input'),
);

/** The transforms of each column of inputs that has some. */
export type ColumnTransforms = Columns<readonly Transform[]>;

/** The transforms by column. */
export function byColumn(columns: Columns<unknown>, given: TransformLists): ColumnTransforms {
  const inputs = columnsOn(columns, 'inputs');
  if (inputs[0] === 'inputs') {
    if (isList(given)) return given.length === 0 ? {} : { inputs: given };
    throw invalid('transform', 'the transforms of a single input must be an array', given);
  }
  const names = inputs.map(nameOf);
  if (isList(given)) {
    if (given.length === 0) return {};
    const expected = `several inputs need transforms by input, such as { ${names[0]}: [...] }`;
    throw invalid('transform', expected, given);
  }
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName('transform', 'input', unknown, names);
  const lists = new Map(Object.entries(given));
  return Object.fromEntries(
    inputs.flatMap((column) => {
      const list = lists.get(nameOf(column)) ?? [];
      return list.length > 0 ? [[column, list]] : [];
    }),
  );
}

/** As they are given: a list for a single input, or lists by input. */
export function byInput(columns: Columns<unknown>, transforms: ColumnTransforms): TransformLists {
  if ('inputs' in columns) return transforms.inputs ?? [];
  return Object.fromEntries(Object.entries(transforms).map(([column, list]) => [nameOf(column), list]));
}

/** Transforms, and more that follow them. */
export function joined(first: ColumnTransforms, second: ColumnTransforms): ColumnTransforms {
  return mapColumns({ ...first, ...second }, (_, column) => [
    ...(first[column] ?? []),
    ...(second[column] ?? []),
  ]);
}

/** All of them, of whatever input. */
export function allOf(transforms: ColumnTransforms): Transform[] {
  return Object.values(transforms).flat();
}

/** The name of an input among several: `user` for `inputs.user`, `0` for `inputs[0]`. */
function nameOf(column: string): string {
  return nameOn('inputs', column) ?? column;
}

function isList(given: TransformLists): given is readonly Transform[] {
  return Array.isArray(given);
}

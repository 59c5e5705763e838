import { either, type Kind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { unknownName } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import { type Columns, columnsOn, mapColumns } from '../columns.js';
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
  if (isList(given)) {
    if (given.length === 0) return {};
    const [name = ''] = inputs.map(nameOf);
    throw invalid('transform', `several inputs need transforms by input, such as { ${name}: [...] }`, given);
  }
  for (const name of Object.keys(given)) {
    if (!inputs.some((column) => nameOf(column) === name)) {
      throw unknownName('transform', 'input', name, inputs.map(nameOf));
    }
  }
  const some = inputs.flatMap((column) => {
    const list = given[nameOf(column)] ?? [];
    return list.length > 0 ? [[column, list] as const] : [];
  });
  return Object.fromEntries(some);
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
  return column.startsWith('inputs.') ? column.slice('inputs.'.length) : column.slice('inputs['.length, -1);
}

function isList(given: TransformLists): given is readonly Transform[] {
  return Array.isArray(given);
}

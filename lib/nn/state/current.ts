import { allocate } from '../../graph/dtype.js';
import type { FileTensor } from '../../io/file-dtypes.js';
import { reading } from '../../runtime/access/plan-access.js';
import { inverse, permute, shapeThere } from './axes.js';
import type { Layout } from './options.js';
import type { State } from './stored-state.js';
import type { NamedVariable } from './variables.js';

/** A copy of variables as one whole step left them, by name. PyTorch's layout has shared ones under each of their names. */
export async function stateOf(
  op: string,
  variables: readonly NamedVariable[],
  layout: Layout,
): Promise<State> {
  const isPytorch = layout === 'pytorch';
  const copies = (): [string, FileTensor][] =>
    variables.flatMap(({ paths, variable, pytorch }) => {
      const tensor = copyOf(variable, isPytorch ? pytorch : undefined);
      const names = isPytorch ? paths : paths.slice(0, 1);
      return names.map((name): [string, FileTensor] => [name, tensor]);
    });
  const all = variables.map(({ variable }) => variable);
  // Without a prototype, so that any name is an ordinary key.
  return Object.assign(Object.create(null), Object.fromEntries(await reading(op, all, copies)));
}

function copyOf(
  { shape, dtype, storage }: NamedVariable['variable'],
  axes: NamedVariable['pytorch'],
): FileTensor {
  if (!axes) return { dtype, shape: [...shape], data: storage.data.slice() };
  const data = allocate(dtype, storage.data.length);
  permute(storage.data, shape, inverse(axes), data);
  return { dtype, shape: shapeThere(shape, axes), data };
}

import { variablesOf } from '../../../nn/module.js';
import type { NamedVariable } from '../../../nn/state/variables.js';
import type { StateContext } from '../context.js';

/** The parameters and buffers of a trainer by each of their paths, those of the model before those of extra modules. */
export function variablesByPath({ model, whole }: StateContext): Map<string, NamedVariable> {
  const all = whole === model ? variablesOf(model) : [...variablesOf(model), ...variablesOf(whole)];
  const first = new Map(all.toReversed().map((named) => [named.variable, named]));
  return new Map(
    all.flatMap(({ paths, variable }) =>
      paths.map((path): [string, NamedVariable] => [path, first.get(variable) as NamedVariable]),
    ),
  );
}

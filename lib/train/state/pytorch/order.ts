import { isRecord } from '../../../graph/arguments/is-record.js';
import { invalid } from '../../../graph/errors.js';
import { tensorData } from '../../../io/kinds.js';
import { Parameter } from '../../../nn/parameter.js';
import { renamed } from '../../../nn/state/stored-state.js';
import type { NamedVariable } from '../../../nn/state/variables.js';
import { counted } from '../../../text/names.js';
import type { TrainerLoadOptions } from '../options.js';
import type { OptimizerDict } from './dict.js';

/** Names of what PyTorch's layers keep besides parameters. */
const BUFFER = /(^|\.)(running_mean|running_var|num_batches_tracked|_extra_state)$/;

/**
 * The names that PyTorch's model has for the parameters of each group. Entries have an index only, which counts on from
 * group to group.
 *
 * @param variables of our model by path
 * @throws if the given order does not say it
 */
export function namesOf(
  op: string,
  { groups }: OptimizerDict,
  variables: ReadonlyMap<string, NamedVariable>,
  options: TrainerLoadOptions,
): readonly (readonly string[])[] {
  const { order } = options;
  const sizes = groups.map(({ keys }) => keys.length);
  const lists =
    order === undefined ? groups.map(({ names }) => names) : listsOf(op, variables, options, sizes.length);
  const names = lists.filter((list) => list !== undefined);
  if (names.length < lists.length) {
    const expected =
      'the entries of the state have no names: pass order, the state dict of the model, or the names of its ' +
      'parameters in the order in which the optimiser was given them';
    throw invalid(op, expected);
  }
  const all = names.flat();
  if (new Set(all).size < all.length) throw invalid(op, 'order must name each parameter once');
  if (names.length === sizes.length && names.every((list, i) => list.length === sizes[i])) return names;
  const needed = sizes.map((size) => counted(size, 'parameter')).join(' and ');
  const hint = isRecord(order) ? '; of the state dict some tensors are others, so pass a list of names' : '';
  const given = names.map((list) => list.length).join(' and ');
  throw invalid(op, `order must name the ${needed} of param_groups${hint}`, `${given} names`);
}

/** The given names, one list for each group. */
function listsOf(
  op: string,
  variables: ReadonlyMap<string, NamedVariable>,
  options: TrainerLoadOptions,
  groups: number,
): readonly (readonly string[])[] {
  const { order = [] } = options;
  if (Array.isArray(order) && order.every((list) => Array.isArray(list)) && order.length > 0) return order;
  // Within its groups, an optimiser has other orders than the model.
  if (groups > 1) {
    const expected =
      `order must be ${groups} lists of names, one for each of param_groups, ` +
      'as PyTorch numbers the parameters group by group';
    throw invalid(op, expected);
  }
  if (Array.isArray(order)) return [order];
  return [parametersIn(op, order as Readonly<Record<string, unknown>>, variables, options)];
}

/** The names of a state dict that are those of parameters, one for each parameter. */
function parametersIn(
  op: string,
  dict: Readonly<Record<string, unknown>>,
  variables: ReadonlyMap<string, NamedVariable>,
  options: TrainerLoadOptions,
): string[] {
  const all = new Map(Object.keys(dict).map((name) => [name, name]));
  const paths = new Map([...renamed(op, all, options)].map(([path, name]) => [name, path]));
  const variableOf = (name: string) => variables.get(paths.get(name) ?? '')?.variable;
  const seen = new Set<unknown>();
  const names = [...all.keys()].filter((name) => {
    const variable = variableOf(name);
    const tensor = dict[name];
    if (variable ? !(variable instanceof Parameter) : BUFFER.test(name) || isInteger(tensor)) return false;
    // Parameters that are tied stand in it under each of their names.
    const same = [variable, tensor].filter((one) => typeof one === 'object' && one !== null);
    const isNew = !same.some((one) => seen.has(one));
    for (const one of same) seen.add(one);
    return isNew;
  });
  requireOwnOrder(op, names, [...variables.keys()], (name) => paths.get(name) ?? '');
  return names;
}

/** @throws for names that somebody has sorted: those of safetensors files have lost the model's order */
function requireOwnOrder(
  op: string,
  names: readonly string[],
  ours: readonly string[],
  pathOf: (name: string) => string,
): void {
  const isSorted = (list: readonly (string | number)[]) =>
    list.every((one, i) => i === 0 || (list[i - 1] ?? 0) < one);
  const places = names.map((name) => ours.indexOf(pathOf(name))).filter((place) => place >= 0);
  if (!isSorted(names) || isSorted(places)) return;
  const expected =
    'order must be in the order of the model, and its names are sorted, as safetensors files have them: ' +
    'pass a list of names';
  throw invalid(op, expected);
}

/** True for a tensor that no optimiser changes. */
function isInteger(value: unknown): boolean {
  return tensorData.accepts(value) && /^(bool|u?int)/.test((value as { dtype: string }).dtype);
}

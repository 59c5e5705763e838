import { tensor } from '../graph/arguments/kinds.js';
import { type ChainruleError, invalid } from '../graph/errors.js';
import { partsOf } from '../graph/structure.js';
import { reachable, type Tensor } from '../graph/tensor.js';
import type { Tensors } from './model-input.js';

// Nothing that is given is ignored: a misspelt name would leave out an input or a target.

/**
 * Checks that of several inputs or targets each serves the results.
 *
 * @param side `inputs` or `targets`, for errors
 */
export function requireUsed(op: string, side: string, given: Tensors, results: readonly Tensor[]): void {
  const used = new Set(reachable(results));
  const other = partsOf(given, tensor).find(([place, one]) => place !== '' && !used.has(one));
  if (other) throw unused(op, side + other[0]);
}

/**
 * The error for an input, a target or weights that serve nothing.
 *
 * @param where as in "inputs.user of the data set"
 */
export function unused(op: string, name: string, where = ''): ChainruleError {
  const reader = name.startsWith('inputs') ? 'the model' : 'a loss or a metric';
  return invalid(op, `${name}${where} must be used by ${reader}; leave it out if it is not needed`);
}

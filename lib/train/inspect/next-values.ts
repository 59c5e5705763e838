import { at } from '../../graph/at.js';
import { full, Variable } from '../../graph/leaf.js';
import { Storage } from '../../graph/storage.js';
import type { Tensor } from '../../graph/tensor.js';
import type { NextValues } from '../../health/examine.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { clipScaleOf, updatePiece } from '../../optim/update.js';
import type { FlatParameters } from '../../parallel/prepare/flat-parameters.js';
import { type OptimizerMemory, stateOf } from '../../parallel/prepare/optimizer-memory.js';

/**
 * A function from gradients to the parameters after a trainer's next update, from its current optimiser state.
 *
 * @param updates number of updates made before
 */
export function nextValuesOf(
  flat: FlatParameters,
  memory: OptimizerMemory,
  optimizer: Optimizer,
  updates: number,
): NextValues {
  return (parameters, gradients) => {
    const slopes = new Map<Variable, Tensor>(parameters.map((x, i) => [x, at(gradients, i)]));
    const trained = flat.parameters.filter((x) => slopes.has(x));
    const numbers = optimizer.scalarsAt(updates);
    const scalars = numbers.map((number) => full([], number, 'float64'));
    const { clipNorm } = optimizer.stages;
    const clip =
      clipNorm === undefined
        ? undefined
        : clipScaleOf(
            clipNorm,
            trained.map((x) => slopes.get(x) as Tensor),
          );
    return new Map(
      trained.map((parameter) => {
        const group = optimizer.groupOf(parameter);
        const { rule } = at(optimizer.groups, group);
        const state = stateOf({ flat, memory }, parameter).map(
          ({ values, shape }) =>
            new Variable(new Storage(shape, parameter.dtype, (data) => data.set(values))),
        );
        const piece = { parameter, gradient: slopes.get(parameter) as Tensor, state };
        const step = { ...optimizer.scalarsOf(group, scalars), clip };
        return [parameter, updatePiece(rule, optimizer.stages, piece, step).get(parameter) as Tensor];
      }),
    );
  };
}

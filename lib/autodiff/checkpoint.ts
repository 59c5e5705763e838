import { checked } from '../graph/arguments/checked.js';
import { requireKind } from '../graph/arguments/kind.js';
import { tensor } from '../graph/arguments/kinds.js';
import { context, within } from '../graph/context.js';
import { type CheckpointScope, moveOut } from '../graph/scope.js';
import type { Tensor } from '../graph/tensor.js';
import { assignedBy } from '../graph/trace.js';
import { type Result, tensorsOf } from '../runtime/traced-results.js';
import { tensorFunction } from './arguments.js';

/**
 * The function `fn` with its intermediate values recomputed where gradients need them instead of kept (Chen et al.
 * 2016, "Training deep nets with sublinear memory cost").
 *
 *     const hidden = checkpoint((x) => block.forward(x))(x);
 *
 * The arguments and results of `fn` are kept; the values in between take memory while `fn` runs and again while its
 * gradient is taken. That costs at most one extra run of `fn`. In a chain of n equal blocks, with about sqrt(n)
 * stretches of as many blocks checkpointed, activations take about 2 * sqrt(n) / n of the memory for one extra forward
 * pass. Checkpoints may be nested.
 *
 * Gradients of all orders are bit-identical to those without checkpoints, because the same kernels run on the same
 * numbers: dropout draws the same mask again, and assignments in `fn`, such as those to the running statistics of
 * batch norm, happen once. Tensors that `fn` uses without being passed them, such as parameters, get their gradients
 * as well. Where no gradient is taken, nothing is recomputed. With a limit (`memory` of a `Trainer` or of `compile`),
 * the planner decides what to keep, and a checkpoint is only one of its choices.
 *
 * @param fn returns tensors, alone or in arrays and plain objects
 * @returns a function of the same arguments, which must be tensors, with the same results
 * @throws when called, if an argument is not a tensor, or if `fn` returns anything else
 */
export const checkpoint = checked(
  'checkpoint',
  { fn: tensorFunction },
  <Inputs extends readonly Tensor[], R extends Result>(
    fn: (...inputs: Inputs) => R,
  ): ((...inputs: Inputs) => R) => {
    return (...inputs) => {
      inputs.forEach((input: unknown, i) => {
        requireKind('checkpoint', `argument ${i}`, tensor, input);
      });
      const scope: CheckpointScope = { parent: context().scope };
      const { result, assigned } = assignedBy(() => within({ ...context(), scope }, () => fn(...inputs)));
      const leaving = [...tensorsOf('checkpoint', result), ...assigned.map(([, value]) => value)];
      for (const value of leaving) moveOut(value, scope);
      return result;
    };
  },
);

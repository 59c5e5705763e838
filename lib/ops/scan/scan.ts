import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import { context, within } from '../../graph/context.js';
import { isFloat } from '../../graph/dtype.js';
import { formatType, invalid, requireInteger } from '../../graph/errors.js';
import { full, input } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { requireNoAssignments } from '../../graph/trace.js';
import type { Bound } from '../primitives/scan/draft.js';
import { buildScan, requireOneDType } from '../primitives/scan/scan-op.js';
import { closeBody } from './capture.js';

/** Result of one step of a scan. */
export interface ScanStepResult {
  /** The carried values for the next step, of the same number, shapes and dtypes. */
  readonly carry: readonly Tensor[];
  /** Values to keep for every step. Default none. */
  readonly outputs?: readonly Tensor[];
}

/** The values that a scan carries and iterates over. */
export interface ScanOptions {
  /** The carried values before the first step, all of one float dtype. Default none. */
  readonly carry?: readonly Tensor[];
  /** Tensors of any dtype to iterate over, with leading axes of one length. Default none. */
  readonly inputs?: readonly Tensor[];
  /** The number of steps; required if there are no inputs. */
  readonly length?: number;
  /** Iterate from the last step to the first. Default false. */
  readonly reverse?: boolean;
}

const scanOptions = optionsOf<ScanOptions>({
  carry: kinds.tensors,
  inputs: kinds.tensors,
  length: kinds.integer({ min: 0, max: 2 ** 31 - 1 }),
  reverse: kinds.boolean,
});

/** Result of a scan. */
export type ScanValue = {
  /** The carried values after the last step. */
  readonly carry: Tensor[];
  /** The outputs of all steps, stacked on a leading axis in the order of the inputs, even in reverse. */
  readonly outputs: Tensor[];
};

/**
 * A loop as one node, as `jax.lax.scan`: runs a step over the leading axis of some inputs, and passes carried values
 * from step to step. The step is traced once, whatever the length. It may use tensors from outside, such as weights;
 * values that do not change from step to step are computed once. Random numbers are drawn again at every step.
 *
 * @param step builds the graph of one step from the carried values and one slice of each input
 * @throws when the step returns carried values of other shapes or dtypes than it was given, or assigns variables
 */
export const scan = checked(
  'scan',
  { step: kinds.callback(), options: scanOptions },
  (
    step: (carry: Tensor[], inputs: Tensor[]) => ScanStepResult,
    { carry = [], inputs = [], length, reverse = false }: ScanOptions,
  ): ScanValue => {
    const steps = lengthOf(inputs, length);
    const since = full([], 0).id;
    const carries = carry.map(
      (value, i): Bound => ({ value, placeholder: input(`carry ${i}`, value.shape, value.dtype) }),
    );
    const slices = inputs.map(
      (value, i): Bound => ({ value, placeholder: input(`slice ${i}`, value.shape.slice(1), value.dtype) }),
    );
    const changing = [...carries, ...slices].map(({ placeholder }) => placeholder);
    const made = requireNoAssignments('scan', () =>
      // A body is a graph of its own, which is recomputed as a whole with the loop.
      within({ ...context(), scope: undefined }, () =>
        step(changing.slice(0, carries.length), changing.slice(carries.length)),
      ),
    );
    const { carry: next, outputs = [] } = made;
    requireSameCarry(next, carry);
    const results = [...next, ...outputs];
    for (const result of results) {
      if (!(result instanceof Tensor)) throw invalid('scan', 'the step must give tensors', result);
      if (!isFloat(result.dtype)) throw invalid('scan', 'carries and outputs must be floats', result.dtype);
    }
    if (results.length === 0) throw invalid('scan', 'the step must give a carry or an output');
    requireOneDType('scan', results);
    const closed = closeBody(results, changing, since);
    const built = buildScan({
      carries,
      next: closed.results.slice(0, next.length),
      inputs: slices,
      captured: closed.captured,
      outputs: closed.results.slice(next.length),
      length: steps,
      reverse,
    });
    return { carry: [...built.carry], outputs: [...built.outputs] };
  },
);

function lengthOf(inputs: readonly Tensor[], length: number | undefined): number {
  const leading = inputs.map(({ shape }, i) => {
    const [first] = shape;
    if (first === undefined) throw invalid('scan', `input ${i} must have a leading axis`, shape);
    return first;
  });
  const steps = length ?? leading[0];
  if (steps === undefined) throw invalid('scan', 'length must be given where there are no inputs');
  requireInteger('scan', 'length', steps, { min: 0, max: 2 ** 31 - 1 });
  const odd = leading.findIndex((other) => other !== steps);
  if (odd >= 0) {
    throw invalid('scan', `input ${odd} must have ${steps} steps on its leading axis`, inputs[odd]?.shape);
  }
  return steps;
}

function requireSameCarry(next: readonly Tensor[], carry: readonly Tensor[]): void {
  if (next.length !== carry.length) {
    throw invalid('scan', `the step must give ${carry.length} carries`, next.length);
  }
  next.forEach((value, i) => {
    const { shape, dtype } = at(carry, i);
    if (sameShape(value.shape, shape) && value.dtype === dtype) return;
    throw invalid('scan', `carry ${i} must stay ${formatType({ dtype, shape })}`, formatType(value));
  });
}

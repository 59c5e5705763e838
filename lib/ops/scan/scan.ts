import { isFloat } from '../../graph/dtype.js';
import { formatShape, invalid, requireInteger } from '../../graph/errors.js';
import { full, input } from '../../graph/leaf.js';
import { inScope } from '../../graph/scope.js';
import { type Shape, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { requireNoAssignments } from '../../graph/trace.js';
import { type Bound, buildScan, requireOneDType } from '../primitives/scan/scan-op.js';
import { closeBody } from './capture.js';

/** What one step of a scan gives. */
export interface ScanStepResult {
  /** The carried values for the next step: as many, of the same shapes and dtypes. */
  readonly carry: readonly Tensor[];
  /** Values that are kept for every step. Default none. */
  readonly outputs?: readonly Tensor[];
}

/** The values that a scan carries and walks over. */
export interface ScanOptions {
  /** The carried values before the first step, all of one float dtype. Default none. */
  readonly carry?: readonly Tensor[];
  /** Tensors of any dtype with a leading axis of one length, which the scan walks. Default none. */
  readonly inputs?: readonly Tensor[];
  /** The number of steps; needed where there are no inputs. */
  readonly length?: number;
  /** Walk from the last step to the first. Default false. */
  readonly reverse?: boolean;
}

/** The values of a scan. */
export type ScanValue = {
  /** The carried values after the last step. */
  readonly carry: Tensor[];
  /** The outputs of all steps, stacked on a leading axis in the order of the inputs, also in reverse. */
  readonly outputs: Tensor[];
};

/**
 * Runs a step again and again over the leading axis of some inputs, handing carried values on: a loop as one node, as
 * `jax.lax.scan`. The step is traced once, whatever the length. It may use tensors from outside, such as weights;
 * what does not change from step to step is computed once. Random numbers in it are drawn anew at every step.
 *
 * @param step writes the graph of one step, given the carried values and one slice of each input
 * @throws when the step gives other shapes or dtypes than it was given, or assigns variables
 */
export function scan(
  step: (carry: Tensor[], inputs: Tensor[]) => ScanStepResult,
  { carry = [], inputs = [], length, reverse = false }: ScanOptions,
): ScanValue {
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
    // A body is a graph of its own, in which all is computed again with the loop.
    inScope(undefined, () => step(changing.slice(0, carries.length), changing.slice(carries.length))),
  );
  const { carry: next, outputs = [] } = made;
  requireLike(next, carry);
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
}

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

function requireLike(next: readonly Tensor[], carry: readonly Tensor[]): void {
  if (next.length !== carry.length) {
    throw invalid('scan', `the step must give ${carry.length} carries`, next.length);
  }
  next.forEach((value, i) => {
    const { shape, dtype } = carry[i] as Tensor;
    if (sameShape(value.shape, shape) && value.dtype === dtype) return;
    throw invalid('scan', `carry ${i} must stay ${typeOf(dtype, shape)}`, typeOf(value.dtype, value.shape));
  });
}

function typeOf(dtype: string, shape: Shape): string {
  return `${dtype}${formatShape(shape)}`;
}

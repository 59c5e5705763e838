import { at } from '../graph/at.js';
import type { Variable } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, cast, div, maximum, minimum, mul, sqrt, square } from '../ops/primitives/elementwise.js';
import type { UpdateRule } from './rule.js';
import type { Stages } from './stages.js';

/** A parameter, or a parameter run, with all that its update reads and writes. */
export interface Piece {
  readonly parameter: Variable;
  /** The mean over the accumulated steps. */
  readonly gradient: Tensor;
  readonly state: readonly Variable[];
  /** The moving average, if the optimiser keeps one. */
  readonly average?: Variable | undefined;
}

/** The float64 scalars of a step. */
export interface StepScalars {
  /** Scalars of the piece's rule. */
  readonly rule: readonly Tensor[];
  /** Factors of the average and of the new value, if the optimiser keeps averages. */
  readonly average: readonly Tensor[];
  /** Scale of the gradient that clips its norm. */
  readonly clip?: Tensor | undefined;
}

/** The next values of a piece: its gradient clipped, the rule applied, the average moved. */
export function updatePiece(
  rule: UpdateRule,
  { clipValue }: Stages,
  { parameter, gradient, state, average }: Piece,
  scalars: StepScalars,
): Map<Variable, Tensor> {
  const own = (scalar: Tensor) => cast(scalar, parameter.dtype);
  const scaled = scalars.clip ? mul(gradient, own(scalars.clip)) : gradient;
  const clipped = clipValue === undefined ? scaled : maximum(minimum(scaled, clipValue), -clipValue);
  const next = rule.update(parameter, clipped, state, scalars.rule.map(own));
  const values = new Map([[parameter, next.parameter]]);
  state.forEach((variable, i) => {
    values.set(variable, at(next.state, i));
  });
  if (average) {
    const [keep, take] = scalars.average.map(own) as [Tensor, Tensor];
    values.set(average, add(mul(average, keep), mul(next.parameter, take)));
  }
  return values;
}

/** The norm's guard against a division by zero, as in `torch.nn.utils.clip_grad_norm_`. */
const NORM_EPS = 1e-6;

/** The scale of all gradients that makes their norm at most `clipNorm`. */
export function clipScale(clipNorm: number, norm: number): number {
  return Math.min(1, clipNorm / (norm + NORM_EPS));
}

/** As `clipScale`, computed from the gradients: a float64 scalar. */
export function clipScaleOf(clipNorm: number, gradients: readonly Tensor[]): Tensor {
  const squares = gradients.map((gradient) => cast(sum(square(gradient)), 'float64'));
  const norm = sqrt(squares.reduce((total, value) => add(total, value)));
  return minimum(div(clipNorm, add(norm, NORM_EPS)), 1);
}

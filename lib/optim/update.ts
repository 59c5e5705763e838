import type { Variable } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, cast, div, maximum, minimum, mul, sqrt, square } from '../ops/primitives/elementwise.js';
import type { Stages } from './optimizer.js';
import type { UpdateRule } from './rule.js';

/** A parameter, or a stretch of the parameters of one group, with all that an update of it reads and writes. */
export interface Piece {
  readonly parameter: Variable;
  /** The mean over the accumulated steps. */
  readonly gradient: Tensor;
  readonly state: readonly Variable[];
  /** The moving average, where the optimiser keeps one. */
  readonly average?: Variable | undefined;
}

/** The numbers of a step, as scalars of float64. */
export interface StepScalars {
  /** Those of the piece's rule. */
  readonly rule: readonly Tensor[];
  /** What the average keeps and what it takes of the new value, where there is one. */
  readonly average: readonly Tensor[];
  /** What the gradient is scaled with, to clip its norm. */
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
    values.set(variable, next.state[i] as Tensor);
  });
  if (average) {
    const [keep, take] = scalars.average.map(own) as [Tensor, Tensor];
    values.set(average, add(mul(average, keep), mul(next.parameter, take)));
  }
  return values;
}

/** The norm's guard against a division by zero, as in `torch.nn.utils.clip_grad_norm_`. */
const NORM_EPS = 1e-6;

/** What to scale all gradients with, so that their norm is at most `clipNorm`. */
export function clipScale(clipNorm: number, norm: number): number {
  return Math.min(1, clipNorm / (norm + NORM_EPS));
}

/** As `clipScale`, of the gradients themselves: a scalar of float64. */
export function clipScaleOf(clipNorm: number, gradients: readonly Tensor[]): Tensor {
  const squares = gradients.map((gradient) => cast(sum(square(gradient)), 'float64'));
  const norm = sqrt(squares.reduce((total, value) => add(total, value)));
  return minimum(div(clipNorm, add(norm, NORM_EPS)), 1);
}

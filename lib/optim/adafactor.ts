import { checked } from '../graph/arguments/checked.js';
import { type Kind, kind, optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { mean } from '../ops/math/reductions.js';
import { add, div, maximum, mul, sqrt, square, sub } from '../ops/primitives/elementwise.js';
import type { Optimizer } from './optimizer.js';
import {
  createOptimizer,
  type GroupOptions,
  groupKinds,
  type OptimizerOptions,
  optimizerOptions,
} from './options.js';
import type { UpdateRule } from './rule.js';

export interface AdafactorSettings extends GroupOptions {
  /** The running mean of the squares takes `step ** beta2Decay` of each new one. At most 0; default -0.8. */
  readonly beta2Decay?: number;
  /**
   * Lower bounds: on the root mean square, by default the machine epsilon of the dtype; and on the size of a
   * parameter that its steps are relative to, by default 1e-3.
   */
  readonly eps?: readonly [number | null, number];
  /** Upper bound on the root mean square of a step relative to its rate; at least 1. Default 1. */
  readonly clipThreshold?: number;
}

export type AdafactorOptions = OptimizerOptions<AdafactorSettings>;

const lowerBounds: Kind<readonly [number | null, number]> = kind(
  'two non-negative numbers, of which the first may be null',
  (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    (value[0] === null || kinds.nonNegative.accepts(value[0])) &&
    kinds.nonNegative.accepts(value[1]),
);

const adafactorOptions = optimizerOptions<AdafactorSettings>({
  ...groupKinds,
  beta2Decay: kind('a number of at most 0', (value) => kinds.number.accepts(value) && (value as number) <= 0),
  eps: lowerBounds,
  clipThreshold: kind(
    'a number of at least 1',
    (value) => kinds.finite.accepts(value) && (value as number) >= 1,
  ),
});

/**
 * Adafactor (Shazeer & Stern 2018), as `torch.optim.Adafactor`: mean squares of a matrix (the last two axes) are kept
 * as those of its rows and columns, and steps are relative to the parameter's size. Rate 0.01 by default; weight
 * decay is decoupled.
 */
export const adafactor = checked(
  'adafactor',
  { options: optional(adafactorOptions) },
  (options: AdafactorOptions = {}): Optimizer =>
    createOptimizer<AdafactorSettings>(options, rule, { lr: 1e-2 }),
);

const EPS = { float32: 2 ** -23, float64: Number.EPSILON };

function rule({
  beta2Decay = -0.8,
  eps: [eps1, eps2] = [null, 1e-3],
  clipThreshold = 1,
  weightDecay = 0,
}: AdafactorSettings): UpdateRule {
  return {
    name: 'adafactor',
    settings: { beta2Decay, eps: [eps1, eps2], clipThreshold },
    state: [],
    whole: (shape: Shape) => {
      if (shape.length < 2) return { square: shape };
      return {
        rows: [...shape.slice(0, -1), 1],
        columns: [...shape.slice(0, -2), 1, shape.at(-1) as number],
      };
    },
    // PyTorch measures the parameter before it shrinks.
    decay: 'own',
    scalars: (step, lr) => [
      (step + 1) ** beta2Decay,
      Math.min(lr, 1 / Math.sqrt(step + 1)),
      1 - lr * weightDecay,
    ],
    update(parameter, gradient, state, scalars) {
      const [share, rate, shrink] = scalars as [Tensor, Tensor, Tensor];
      const least = eps1 ?? EPS[parameter.dtype as keyof typeof EPS];
      const size = maximum(rootMeanSquare(parameter), eps2);
      const { next, estimate } = meanSquares(square(gradient), state, share, least);
      const step = div(gradient, sqrt(maximum(estimate, least * least)));
      const excess = maximum(div(rootMeanSquare(step), clipThreshold), 1);
      const start = weightDecay > 0 ? mul(parameter, shrink) : parameter;
      return { parameter: sub(start, mul(step, div(mul(size, rate), excess))), state: next };
    },
  };
}

/** The next running means of the squares, and from them an estimate for each element. */
function meanSquares(squares: Tensor, state: readonly Tensor[], share: Tensor, least: number) {
  const moved = (old: Tensor, value: Tensor) => add(old, mul(sub(value, old), share));
  const [first, second] = state as [Tensor, Tensor | undefined];
  if (!second) {
    const next = moved(first, squares);
    return { next: [next], estimate: next };
  }
  const rows = moved(first, mean(squares, -1, { keepDims: true }));
  const columns = moved(second, mean(squares, -2, { keepDims: true }));
  const scale = maximum(mean(rows, -2, { keepDims: true }), least);
  return { next: [rows, columns], estimate: div(mul(rows, columns), scale) };
}

const rootMeanSquare = (x: Tensor): Tensor => sqrt(mean(square(x)));

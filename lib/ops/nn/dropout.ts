import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireFloat } from '../primitives/checks.js';
import { add, ge, mul, where } from '../primitives/elementwise.js';
import { uniform } from '../primitives/random.js';

/**
 * Sets each element to 0 with probability `p` and divides the others by `1 - p` (Srivastava et al. 2014).
 *
 * @throws when `p` is not in [0, 1)
 */
export const dropout = checked(
  'dropout',
  { x: kinds.tensor, p: optional(kinds.share) },
  (x: Tensor, p = 0.5): Tensor => dropOver('dropout', x, x.shape, p),
);

/**
 * Sets each channel of each sample to 0 as a whole with probability `p`, and divides the others by `1 - p` (Tompson et
 * al. 2015). The draw for a sample depends on its place in the whole batch, however that is split into shards.
 *
 * @param x [N, ..., C], floats
 */
export const channelDropout = checked(
  'channelDropout',
  { x: kinds.tensor, p: optional(kinds.share) },
  (x: Tensor, p = 0.5): Tensor => {
    if (x.ndim < 2) throw invalid('channelDropout', 'input must be [N, ..., C]', x.shape);
    const shape = x.shape.map((dimension, axis) => (axis === 0 || axis === x.ndim - 1 ? dimension : 1));
    return dropOver('channelDropout', x, shape, p);
  },
);

/**
 * Stochastic depth: sets each sample to 0 as a whole with probability `p`, and divides the others by `1 - p` (Huang et
 * al. 2016). For the inner branch of a residual block.
 *
 * @param x [N, ...], floats
 */
export const dropPath = checked(
  'dropPath',
  { x: kinds.tensor, p: optional(kinds.share) },
  (x: Tensor, p = 0.5): Tensor => {
    if (x.ndim < 1) throw invalid('dropPath', 'input must be [N, ...]', x.shape);
    return dropOver(
      'dropPath',
      x,
      x.shape.map((dimension, axis) => (axis === 0 ? dimension : 1)),
      p,
    );
  },
);

/** The limit of SELU far to the left, `-scale * alpha`, which alpha dropout sets elements to. */
const SELU_LIMIT = -1.7580993408473766;

/**
 * Dropout for networks with SELU: sets elements to SELU's negative limit with probability `p`, then scales and shifts
 * all of them to preserve mean 0 and variance 1 (Klambauer et al. 2017).
 */
export const alphaDropout = checked(
  'alphaDropout',
  { x: kinds.tensor, p: optional(kinds.share) },
  (x: Tensor, p = 0.5): Tensor => {
    requireFloat('alphaDropout', x);
    if (p === 0) return x;
    const scale = 1 / Math.sqrt((1 - p) * (1 + p * SELU_LIMIT ** 2));
    const kept = where(ge(uniform(x.shape, x.dtype), p), x, SELU_LIMIT);
    return add(mul(kept, scale), -scale * p * SELU_LIMIT);
  },
);

/** Drops parts of `x` by a mask of the given shape, which broadcasts to it. */
function dropOver(op: string, x: Tensor, shape: Shape, p: number): Tensor {
  requireFloat(op, x);
  if (p === 0) return x;
  // A bool mask, so that backpropagation keeps one byte per element.
  return mul(where(ge(uniform(shape, x.dtype), p), x, 0), 1 / (1 - p));
}

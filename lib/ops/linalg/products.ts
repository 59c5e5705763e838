import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../primitives/broadcast.js';
import { mul } from '../primitives/elementwise.js';
import { unsqueeze } from '../primitives/movement.js';

/** The outer product of two vectors [M] and [N]: a matrix [M, N]. */
export const outer = checked(
  'outer',
  { a: kinds.tensor, b: kinds.tensor },
  (a: Tensor, b: Tensor): Tensor => {
    requireVectors('outer', a, b);
    return mul(unsqueeze(a, 1), unsqueeze(b, 0));
  },
);

/** The inner product of two vectors of one length. */
export const dot = checked('dot', { a: kinds.tensor, b: kinds.tensor }, (a: Tensor, b: Tensor): Tensor => {
  requireVectors('dot', a, b);
  if (!sameShape(a.shape, b.shape))
    throw invalid('dot', 'the vectors must be of one length', [a.shape, b.shape]);
  return sum(mul(a, b));
});

function requireVectors(op: string, ...vectors: readonly Tensor[]): void {
  for (const { ndim, shape } of vectors) {
    if (ndim !== 1) throw invalid(op, 'needs vectors, with one axis', formatShape(shape));
  }
}

import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireSquare, solution } from '../primitives/solve.js';
import { eye } from './diagonal.js';

/** The inverses of square matrices [..., N, N]. A singular one is an error at run time. */
export const inverse = checked('inverse', { a: kinds.tensor }, (a: Tensor): Tensor => {
  requireSquare('inverse', a);
  return solution('inverse', a, eye(a.shape.at(-1) as number, undefined, a.dtype));
});

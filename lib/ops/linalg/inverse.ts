import type { Tensor } from '../../graph/tensor.js';
import { requireSquare, solution } from '../primitives/solve.js';
import { eye } from './diagonal.js';

/** The inverses of square matrices [..., N, N]. A singular one is an error at run time. */
export function inverse(a: Tensor): Tensor {
  requireSquare('inverse', a);
  return solution('inverse', a, eye(a.shape.at(-1) as number, undefined, a.dtype));
}

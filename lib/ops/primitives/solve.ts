import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { broadcastShapes, sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { expand } from './broadcast.js';
import { requireFloat } from './checks.js';
import { neg } from './elementwise.js';
import type { Named } from './gather.js';
import { matmul } from './matmul.js';
import { squeeze, transpose, unsqueeze } from './movement.js';

/** The solutions x of a x = b, for batches of matrices whose leading axes agree. */
export const solveOp: OpRecord<Named> = {
  kind: 'solve',
  type: ([, b]) => b as Tensor,
  grad: (gradient, node) => {
    const toRight = new Tensor(solveOp, [transpose(node.input(0)), gradient], node.attributes);
    return [neg(matmul(toRight, node, { transposeB: true })), toRight];
  },
  kernel: {
    family: 'call',
    call: (node) => ({
      kernel: 'solve',
      inputs: ['a', 'b'],
      attributes: { name: node.attributes.name },
      canFail: true,
    }),
  },
  cost: (node) => {
    const n = node.input(0).shape.at(-1) as number;
    return (2 * n * node.input(0).size) / 3 + 2 * n * node.size;
  },
};

/** Checks that `a` holds square matrices of floats. */
export function requireSquare(op: string, a: Tensor): void {
  requireFloat(op, a);
  if (a.ndim < 2 || a.shape.at(-1) !== a.shape.at(-2)) {
    throw invalid(op, 'the matrix must be square', formatShape(a.shape));
  }
}

/**
 * The solution x of a x = b, by LU decomposition with partial pivoting, as `torch.linalg.solve`. A singular matrix,
 * for which elimination meets a pivot of 0, is an error at run time.
 *
 * @param a [..., N, N], float32 or float64
 * @param b [..., N, K], or a vector for each matrix: [N], or [..., N] of the shape of `a` without its last axis
 * @returns the shape of `b`, its leading axes broadcast with those of `a`
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  return solution('solve', a, b);
}

/** The solution of a x = b, whose run-time errors name the calling op. */
export function solution(name: string, a: Tensor, b: Tensor): Tensor {
  requireSquare('solve', a);
  if (a.dtype !== b.dtype) {
    throw invalid('solve', `dtypes differ, ${a.dtype} and ${b.dtype}; cast one of them`);
  }
  if (b.ndim === 1 || sameShape(b.shape, a.shape.slice(0, -1))) {
    return squeeze(solution(name, a, unsqueeze(b, -1)), -1);
  }
  if (b.shape.at(-2) !== a.shape.at(-1)) {
    throw invalid('solve', `sizes differ, ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
  }
  const batch = broadcastShapes('solve', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = expand(a, [...batch, ...a.shape.slice(-2)]);
  return new Tensor(solveOp, [left, expand(b, [...batch, ...b.shape.slice(-2)])], { name });
}

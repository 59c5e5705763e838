import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { broadcastShapes, commonShape, sameShape } from '../../graph/shapes.js';
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
 * The solution x of a x = b, by LU decomposition with partial pivoting. A singular matrix, for which elimination meets a
 * pivot of 0, is an error at run time.
 *
 * `b` holds matrices if it has two axes or more and can be read as [..., N, K], as in NumPy 2. Where it cannot, it may
 * hold a vector for each matrix, as in `torch.linalg.solve`. So [N, N] for an `a` of [N, N, N] is one matrix, which
 * PyTorch takes for N vectors: write `unsqueeze(b, -1)` for vectors whose number may happen to be N.
 *
 * @param a [..., N, N], float32 or float64
 * @param b [..., N, K]; or a vector [N]; or [..., N] of the shape of `a` without its last axis
 * @returns the shape of `b`, its leading axes broadcast with those of `a`
 */
export const solve = checked(
  'solve',
  { a: kinds.tensor, b: kinds.tensor },
  (a: Tensor, b: Tensor): Tensor => {
    requireSquare('solve', a);
    if (b.ndim !== 1 && (isMatrices(a, b) || !sameShape(b.shape, a.shape.slice(0, -1)))) {
      return solution('solve', a, b);
    }
    return squeeze(solution('solve', a, unsqueeze(b, -1)), -1);
  },
);

/** True if `b` has rows for the matrices `a`, and leading axes that broadcast with theirs. */
function isMatrices(a: Tensor, b: Tensor): boolean {
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  return b.shape.at(-2) === a.shape.at(-1) && commonShape(left, right) !== null;
}

/** The solution x of a x = b for matrices `b` [..., N, K], whose run-time errors name the calling op. */
export function solution(name: string, a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== b.dtype) {
    throw invalid(name, `dtypes differ, ${a.dtype} and ${b.dtype}; cast one of them`);
  }
  if (b.ndim < 2 || b.shape.at(-2) !== a.shape.at(-1)) {
    throw invalid(name, `sizes differ, ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
  }
  const batch = broadcastShapes(name, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = expand(a, [...batch, ...a.shape.slice(-2)]);
  return new Tensor(solveOp, [left, expand(b, [...batch, ...b.shape.slice(-2)])], { name });
}

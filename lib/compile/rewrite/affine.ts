import { full, isNumber, numberOf } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { expand } from '../../ops/primitives/broadcast.js';
import { add, addOp, div, divOp, mul, mulOp, neg, sub, subOp } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';

/** A coefficient: a number, or one for each element of the last axis. */
export type Coefficient = Tensor | number;

/** `scale * x + shift`. */
export interface Affine {
  readonly scale: Coefficient;
  readonly shift: Coefficient;
}

export const unchanged: Affine = { scale: 1, shift: 0 };

/**
 * The map after one more op, if that is affine.
 *
 * @param isLeft true if the op's left operand is the value of the map, and its right one the coefficient
 */
export function followedBy(
  { op }: Tensor,
  { scale, shift }: Affine,
  other: Coefficient,
  isLeft: boolean,
): Affine | undefined {
  if (op === addOp) return { scale, shift: plus(shift, other) };
  if (op === mulOp) return { scale: times(scale, other), shift: times(shift, other) };
  if (op === subOp && isLeft) return { scale, shift: minus(shift, other) };
  if (op === subOp) return { scale: minus(0, scale), shift: minus(other, shift) };
  if (op === divOp && isLeft) return { scale: over(scale, other), shift: over(shift, other) };
  return undefined;
}

/** The coefficient in an operand that broadcasts along all axes but the last one, if it is such an operand. */
export function coefficientOf(operand: Tensor): Coefficient | undefined {
  if (isNumber(operand)) return numberOf(operand);
  const { kernel } = operand.op;
  // An expanded value has the elements of its input.
  const isExpanded = kernel.family === 'view' && operand.inputs[0] && operand.size > operand.input(0).size;
  const source = isExpanded ? operand.input(0) : operand;
  const channels = operand.shape.at(-1) ?? 1;
  if (source.size === 1) return expand(reshape(source, [1]), [channels]);
  return source.size === channels && source.shape.at(-1) === channels
    ? reshape(source, [channels])
    : undefined;
}

/** A coefficient as one number for each element of the last axis, like another. */
export function vectorOf(coefficient: Coefficient, like: Tensor): Tensor {
  return typeof coefficient === 'number' ? full(like.shape, coefficient, like.dtype) : coefficient;
}

function plus(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return a === 0 ? b : add(a, b);
}

function minus(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return a === 0 ? neg(b as Tensor) : sub(a, b);
}

function times(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 0) return 0;
  return a === 1 ? b : mul(a, b);
}

function over(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof a === 'number' && typeof b === 'number') return a / b;
  return a === 0 ? 0 : div(a, b);
}

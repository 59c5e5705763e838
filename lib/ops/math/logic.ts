import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { full } from '../../graph/leaf.js';
import { Tensor } from '../../graph/tensor.js';
import { abs, cast, eq, lt, ne, where } from '../primitives/elementwise.js';
import { broadcast, type Operand, sameDType } from '../primitives/elementwise-record.js';

/** `x` with `value` where the bool `mask` is true; both broadcast with `x`, which keeps its dtype. */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  if (!(mask instanceof Tensor) || mask.dtype !== 'bool') {
    throw invalid('maskedFill', 'mask must be a bool tensor', mask instanceof Tensor ? mask.dtype : mask);
  }
  const fill = typeof value === 'number' ? full([], value, x.dtype, 'maskedFill') : value;
  sameDType('maskedFill', [x, fill]);
  const [holds, filled, kept] = broadcast('maskedFill', [mask, fill, x]) as [Tensor, Tensor, Tensor];
  return where(holds, filled, kept);
}

/** The operands, broadcast to one shape and converted to bool: true where an element is not 0. */
function truths(kind: string, operands: readonly Operand[]): Tensor[] {
  return broadcast(kind, operands).map((x) => cast(x, 'bool'));
}

/** True where both operands are true (not 0), broadcast. */
export function logicalAnd(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalAnd', [a, b]) as [Tensor, Tensor];
  return where(left, right, 0);
}

/** True where at least one operand is true (not 0), broadcast. */
export function logicalOr(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalOr', [a, b]) as [Tensor, Tensor];
  return where(left, 1, right);
}

/** True where exactly one operand is true (not 0), broadcast. */
export function logicalXor(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalXor', [a, b]) as [Tensor, Tensor];
  return ne(left, right);
}

/** True where `x` is false (0). */
export const logicalNot = (x: Tensor): Tensor => eq(x, 0);

/** True where an element is NaN, which integers never are. */
const nanMask = (x: Tensor): Tensor => ne(x, x);
/** True where an element is neither NaN nor infinite. */
const finiteMask = (x: Tensor): Tensor =>
  isFloat(x.dtype) ? lt(abs(x), Number.POSITIVE_INFINITY) : eq(x, x);
/** True where an element is infinite, of either sign. */
const infinityMask = (x: Tensor): Tensor =>
  isFloat(x.dtype) ? eq(abs(x), Number.POSITIVE_INFINITY) : ne(x, x);

// Renamed on export only, so that the globals of these names stay visible in this file.
export { finiteMask as isFinite, infinityMask as isInf, nanMask as isNaN };

import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { filled } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { abs, cast, eq, lt, ne, where } from '../primitives/elementwise.js';
import { broadcast, type Operand, sameDType } from '../primitives/elementwise-record.js';

/** `x` with `value` where the bool `mask` is true; both broadcast with `x`, which keeps its dtype. */
export const maskedFill = checked(
  'maskedFill',
  { x: kinds.tensor, mask: kinds.tensor, value: kinds.operand },
  (x: Tensor, mask: Tensor, value: Operand): Tensor => {
    if (mask.dtype !== 'bool') {
      throw invalid('maskedFill', 'mask must be a bool tensor', mask.dtype);
    }
    const other = typeof value === 'number' ? filled([], value, x.dtype, 'maskedFill') : value;
    sameDType('maskedFill', [x, other]);
    const [holds, left, right] = broadcast('maskedFill', [mask, other, x]) as [Tensor, Tensor, Tensor];
    return where(holds, left, right);
  },
);

/** The operands, broadcast to one shape and converted to bool: true where an element is not 0. */
function truths(kind: string, operands: readonly Operand[]): Tensor[] {
  return broadcast(kind, operands).map((x) => cast(x, 'bool'));
}

/** True where both operands are true (not 0), broadcast. */
export const logicalAnd = checked(
  'logicalAnd',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => {
    const [left, right] = truths('logicalAnd', [a, b]) as [Tensor, Tensor];
    return where(left, right, 0);
  },
);

/** True where at least one operand is true (not 0), broadcast. */
export const logicalOr = checked(
  'logicalOr',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => {
    const [left, right] = truths('logicalOr', [a, b]) as [Tensor, Tensor];
    return where(left, 1, right);
  },
);

/** True where exactly one operand is true (not 0), broadcast. */
export const logicalXor = checked(
  'logicalXor',
  { a: kinds.operand, b: kinds.operand },
  (a: Operand, b: Operand): Tensor => {
    const [left, right] = truths('logicalXor', [a, b]) as [Tensor, Tensor];
    return ne(left, right);
  },
);

/** True where `x` is false (0). */
export const logicalNot = checked('logicalNot', { x: kinds.tensor }, (x: Tensor): Tensor => eq(x, 0));

/** True where an element is NaN, which integers never are. */
const nanMask = checked('isNaN', { x: kinds.tensor }, (x: Tensor): Tensor => ne(x, x));
/** True where an element is neither NaN nor infinite. */
const finiteMask = checked(
  'isFinite',
  { x: kinds.tensor },
  (x: Tensor): Tensor => (isFloat(x.dtype) ? lt(abs(x), Number.POSITIVE_INFINITY) : eq(x, x)),
);
/** True where an element is infinite, of either sign. */
const infinityMask = checked(
  'isInf',
  { x: kinds.tensor },
  (x: Tensor): Tensor => (isFloat(x.dtype) ? eq(abs(x), Number.POSITIVE_INFINITY) : ne(x, x)),
);

// Renamed on export only, so that the globals of these names stay visible in this file.
export { finiteMask as isFinite, infinityMask as isInf, nanMask as isNaN };

import { type DType, isFloat, requireDType } from '../dtype.js';
import { invalid } from '../errors.js';
import type { OpRecord } from '../op.js';
import { Tensor } from '../tensor.js';
import { abs } from './arithmetic.js';
import { full } from './leaf.js';
import { apply2, broadcast, elementwise, type Operand, sameDType } from './map.js';

const comparison = (kind: string) =>
  elementwise(
    kind,
    (inputs) => {
      sameDType(kind, inputs);
      return 'bool';
    },
    null,
  );

export const eqOp = comparison('eq');
export const neOp = comparison('ne');
export const ltOp = comparison('lt');
export const leOp = comparison('le');
export const gtOp = comparison('gt');
export const geOp = comparison('ge');
export const whereOp = elementwise(
  'where',
  ([condition, ...values]) => {
    if (condition?.dtype !== 'bool') throw invalid('where', 'condition must be bool', condition?.dtype);
    return sameDType('where', values);
  },
  (g, node) => [null, where(node.input(0), g, 0), where(node.input(0), 0, g)],
);

export interface CastAttributes {
  readonly dtype: DType;
}

/** The same numbers as another dtype. Floats are truncated toward zero on the way to integers. */
export const castOp: OpRecord<CastAttributes> = {
  kind: 'cast',
  type: ([x], { dtype }) => ({ shape: (x as Tensor).shape, dtype }),
  grad: (g, node) => [isFloat(node.input(0).dtype) ? cast(g, node.input(0).dtype) : null],
  kernel: {
    family: 'map',
    instruction: ({ dtype }) => ({ code: dtype === 'bool' ? 'truth' : isFloat(dtype) ? 'copy' : 'truncate' }),
  },
  cost: (node) => node.size,
};

/** `a === b` as bool. */
export const eq = (a: Operand, b: Operand): Tensor => apply2(eqOp, a, b);
/** `a !== b` as bool. */
export const ne = (a: Operand, b: Operand): Tensor => apply2(neOp, a, b);
/** `a < b` as bool. */
export const lt = (a: Operand, b: Operand): Tensor => apply2(ltOp, a, b);
/** `a <= b` as bool. */
export const le = (a: Operand, b: Operand): Tensor => apply2(leOp, a, b);
/** `a > b` as bool. */
export const gt = (a: Operand, b: Operand): Tensor => apply2(gtOp, a, b);
/** `a >= b` as bool. */
export const ge = (a: Operand, b: Operand): Tensor => apply2(geOp, a, b);

/**
 * `a` where the bool `condition` holds, else `b`; all three broadcast. Graphs have fixed shapes, so a choice keeps the
 * shape: there is no function that gives as many elements as hold a condition.
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = [a, b].find((x) => typeof x !== 'number');
  const dtype = like ? like.dtype : 'float32';
  const values = [a, b].map((x) => (typeof x === 'number' ? full([], x, dtype, 'where') : x));
  return new Tensor(whereOp, broadcast('where', [condition, ...values]), {});
}

/** `x` with `value` in the places where the bool `mask` holds; both broadcast with `x`, which keeps its dtype. */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  if (!(mask instanceof Tensor) || mask.dtype !== 'bool') {
    throw invalid('maskedFill', 'mask must be a bool tensor', mask instanceof Tensor ? mask.dtype : mask);
  }
  const fill = typeof value === 'number' ? full([], value, x.dtype, 'maskedFill') : value;
  sameDType('maskedFill', [x, fill]);
  const [holds, filled, kept] = broadcast('maskedFill', [mask, fill, x]) as [Tensor, Tensor, Tensor];
  return where(holds, filled, kept);
}

/** Converts to another dtype. */
export function cast(x: Tensor, dtype: DType): Tensor {
  requireDType('cast', dtype);
  return x.dtype === dtype ? x : new Tensor(castOp, [x], { dtype });
}

/** The operands as bools of one shape: whether each element differs from 0. */
function truths(kind: string, operands: readonly Operand[]): Tensor[] {
  return broadcast(kind, operands).map((x) => cast(x, 'bool'));
}

/** Whether both are true (not 0), broadcast. */
export function logicalAnd(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalAnd', [a, b]) as [Tensor, Tensor];
  return where(left, right, 0);
}

/** Whether at least one is true (not 0), broadcast. */
export function logicalOr(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalOr', [a, b]) as [Tensor, Tensor];
  return where(left, 1, right);
}

/** Whether just one is true (not 0), broadcast. */
export function logicalXor(a: Operand, b: Operand): Tensor {
  const [left, right] = truths('logicalXor', [a, b]) as [Tensor, Tensor];
  return ne(left, right);
}

/** Whether `x` is false (0). */
export const logicalNot = (x: Tensor): Tensor => eq(x, 0);

/** Whether an element is NaN, which integers never are. */
const nanMask = (x: Tensor): Tensor => ne(x, x);
/** Whether an element is neither NaN nor infinite. */
const finiteMask = (x: Tensor): Tensor =>
  isFloat(x.dtype) ? lt(abs(x), Number.POSITIVE_INFINITY) : eq(x, x);
/** Whether an element is infinite, of either sign. */
const infinityMask = (x: Tensor): Tensor =>
  isFloat(x.dtype) ? eq(abs(x), Number.POSITIVE_INFINITY) : ne(x, x);

// The globals of these names stay visible in this file and its readers.
export { finiteMask as isFinite, infinityMask as isInf, nanMask as isNaN };

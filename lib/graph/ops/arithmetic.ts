import { isFloat } from '../dtype.js';
import { invalid } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { cast, eq, gt, lt, where } from './logic.js';
import {
  apply1,
  apply2,
  broadcast,
  floating,
  numbers,
  numeric,
  type Operand,
  transcendental,
} from './map.js';
import { log } from './transcendental.js';

export const negOp = numeric('neg', (g) => [neg(g)]);
export const absOp = numeric('abs', (g, node) => [mul(g, sign(node.input(0)))]);
export const addOp = numeric('add', (g) => [g, g]);
export const subOp = numeric('sub', (g) => [g, neg(g)]);
export const mulOp = numeric('mul', (g, node) => [mul(g, node.input(1)), mul(g, node.input(0))]);
export const divOp = floating('div', (g, node) => [
  div(g, node.input(1)),
  neg(div(mul(g, node), node.input(1))),
]);
export const powOp = transcendental('pow', (g, node) => {
  const [x, y] = [node.input(0), node.input(1)];
  const toBase = mul(g, mul(y, pow(x, sub(y, 1))));
  // log(0) would make 0 * -Infinity of a base that is zero, where the true limit is 0.
  const toExponent = mul(g, mul(node, log(where(gt(x, 0), x, 1))));
  return [where(eq(y, 0), 0, toBase), toExponent];
});
// Where both are equal each gets half, as in PyTorch.
export const maximumOp = numeric('maximum', (g, node) => shareByOrder(g, node.input(0), node.input(1)));
export const minimumOp = numeric('minimum', (g, node) => shareByOrder(g, node.input(1), node.input(0)));
export const floorOp = numeric('floor', null);
export const ceilOp = numeric('ceil', null);
export const roundOp = numeric('round', null);
export const floorDivOp = numeric('floorDiv', null);
export const modOp = numeric('mod', (g, node) => [g, neg(mul(g, floorDiv(node.input(0), node.input(1))))]);

function shareByOrder(g: Tensor, greater: Tensor, other: Tensor): Tensor[] {
  const half = where(eq(greater, other), mul(g, 0.5), 0);
  return [where(gt(greater, other), g, half), where(gt(other, greater), g, half)];
}

/** Applies a division whose integer form is 0 where the divisor is. */
function divide(op: typeof modOp, a: Operand, b: Operand): Tensor {
  const [dividend, divisor] = broadcast(op.kind, [a, b]) as [Tensor, Tensor];
  if (isFloat(dividend.dtype)) return apply2(op, dividend, divisor);
  const isZero = eq(divisor, 0);
  return where(isZero, 0, apply2(op, dividend, where(isZero, 1, divisor)));
}

/** `-x`. */
export const neg = (x: Tensor): Tensor => apply1(negOp, x);
/** The absolute value; its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => apply1(absOp, x);
/** `x * x`. */
export const square = (x: Tensor): Tensor => mul(x, x);
/** `1 / x`; floats only. */
export const reciprocal = (x: Tensor): Tensor => div(1, x);
/** -1, 0 or 1. Its gradient is 0 everywhere. */
export const sign = (x: Tensor): Tensor => sub(cast(gt(x, 0), x.dtype), cast(lt(x, 0), x.dtype));
/** The largest whole number that is not above `x`. Its gradient is 0 everywhere. */
export const floor = (x: Tensor): Tensor => apply1(floorOp, x);
/** The smallest whole number that is not below `x`. Its gradient is 0 everywhere. */
export const ceil = (x: Tensor): Tensor => apply1(ceilOp, x);
/** The nearest whole number, and of two the even one, as `torch.round`. Its gradient is 0 everywhere. */
export const round = (x: Tensor): Tensor => apply1(roundOp, x);

/** `a + b`, broadcast. */
export const add = (a: Operand, b: Operand): Tensor => apply2(addOp, a, b);
/** `a - b`, broadcast. */
export const sub = (a: Operand, b: Operand): Tensor => apply2(subOp, a, b);
/** `a * b`, broadcast. */
export const mul = (a: Operand, b: Operand): Tensor => apply2(mulOp, a, b);
/** `a / b`, broadcast; floats only. */
export const div = (a: Operand, b: Operand): Tensor => apply2(divOp, a, b);
/** `a ** b`, broadcast; floats only. */
export const pow = (a: Operand, b: Operand): Tensor => apply2(powOp, a, b);
/** The larger of both; NaN if either is. */
export const maximum = (a: Operand, b: Operand): Tensor => apply2(maximumOp, a, b);
/** The smaller of both; NaN if either is. */
export const minimum = (a: Operand, b: Operand): Tensor => apply2(minimumOp, a, b);
/**
 * The quotient rounded down to a whole number, broadcast, as Python's `a // b`. An integer divided by 0 gives 0. Its
 * gradient is 0 everywhere.
 */
export const floorDiv = (a: Operand, b: Operand): Tensor => divide(floorDivOp, a, b);
/**
 * What `floorDiv` leaves, broadcast: 0, or a number with the sign of `b`, as Python's `a % b` and `torch.remainder`. The
 * remainder of an integer divided by 0 is 0, and of a float NaN.
 */
export const mod = (a: Operand, b: Operand): Tensor => divide(modOp, a, b);

/**
 * `x` between two limits, as `torch.clamp`: what is below `low` becomes `low`, then what is above `high` becomes `high`.
 * Each may be a number, a tensor that broadcasts with `x`, or left out. The gradient reaches `x` where it lies within the
 * limits, ends included, and otherwise the limit that stands for it.
 */
export function clip(x: Tensor, low?: Operand, high?: Operand): Tensor {
  if (low === undefined && high === undefined) throw invalid('clip', 'low, high or both must be given', low);
  const operands = [x, low ?? 0, high ?? 0];
  const [value, least, most] = broadcast('clip', operands) as [Tensor, Tensor, Tensor];
  numbers('clip', [value, least, most]);
  const raised = low === undefined ? value : where(lt(value, least), least, value);
  return high === undefined ? raised : where(gt(raised, most), most, raised);
}

import type { Tensor } from '../tensor.js';
import { add, div, maximum, mul, neg, reciprocal, square, sub } from './arithmetic.js';
import { isFinite as finiteMask, ge, where } from './logic.js';
import { apply1, apply2, broadcast, floating, floatOnly, type Operand, transcendental } from './map.js';
import { stopGradient } from './stop-gradient.js';

export const expOp = transcendental('exp', (g, node) => [mul(g, node)]);
export const expm1Op = transcendental('expm1', (g, node) => [mul(g, add(node, 1))]);
export const logOp = transcendental('log', (g, node) => [div(g, node.input(0))]);
export const log1pOp = transcendental('log1p', (g, node) => [div(g, add(node.input(0), 1))]);
export const sqrtOp = floating('sqrt', (g, node) => [div(mul(g, 0.5), node)]);
export const sinOp = transcendental('sin', (g, node) => [mul(g, cos(node.input(0)))]);
export const cosOp = transcendental('cos', (g, node) => [neg(mul(g, sin(node.input(0))))]);
export const tanOp = transcendental('tan', (g, node) => [mul(g, add(square(node), 1))]);
export const asinOp = transcendental('asin', (g, node) => [div(g, cosineOf(node.input(0)))]);
export const acosOp = transcendental('acos', (g, node) => [neg(div(g, cosineOf(node.input(0))))]);
export const atanOp = transcendental('atan', (g, node) => [div(g, add(square(node.input(0)), 1))]);
export const atan2Op = transcendental('atan2', (g, node) => {
  const [y, x] = [node.input(0), node.input(1)];
  const share = div(g, add(square(x), square(y)));
  return [mul(share, x), neg(mul(share, y))];
});
export const sinhOp = transcendental('sinh', (g, node) => [mul(g, cosh(node.input(0)))]);
export const coshOp = transcendental('cosh', (g, node) => [mul(g, sinh(node.input(0)))]);
export const erfOp = transcendental('erf', (g, node) => [
  mul(mul(g, exp(neg(square(node.input(0))))), 2 / Math.sqrt(Math.PI)),
]);

/** The cosine of an angle whose sine is `x`, and the other way round. */
const cosineOf = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(1, x)));

/** `e ** x`. */
export const exp = (x: Tensor): Tensor => apply1(expOp, x);
/** `e ** x - 1`, exact near 0. */
export const expm1 = (x: Tensor): Tensor => apply1(expm1Op, x);
/** The natural logarithm. */
export const log = (x: Tensor): Tensor => apply1(logOp, x);
/** `log(1 + x)`, exact near 0. */
export const log1p = (x: Tensor): Tensor => apply1(log1pOp, x);
/** The logarithm to base 2. */
export const log2 = (x: Tensor): Tensor => mul(log(x), Math.LOG2E);
/** The logarithm to base 10. */
export const log10 = (x: Tensor): Tensor => mul(log(x), Math.LOG10E);
/** The square root. */
export const sqrt = (x: Tensor): Tensor => apply1(sqrtOp, x);
/** `1 / sqrt(x)`. */
export const rsqrt = (x: Tensor): Tensor => reciprocal(sqrt(x));
/** The sine of an angle in radians. */
export const sin = (x: Tensor): Tensor => apply1(sinOp, x);
/** The cosine of an angle in radians. */
export const cos = (x: Tensor): Tensor => apply1(cosOp, x);
/** The tangent of an angle in radians. */
export const tan = (x: Tensor): Tensor => apply1(tanOp, x);
/** The angle from -pi / 2 to pi / 2 whose sine is `x`; NaN beyond -1 and 1. */
export const asin = (x: Tensor): Tensor => apply1(asinOp, x);
/** The angle from 0 to pi whose cosine is `x`; NaN beyond -1 and 1. */
export const acos = (x: Tensor): Tensor => apply1(acosOp, x);
/** The angle from -pi / 2 to pi / 2 whose tangent is `x`. */
export const atan = (x: Tensor): Tensor => apply1(atanOp, x);
/** The angle from -pi to pi of the point `(x, y)`, broadcast. */
export const atan2 = (y: Operand, x: Operand): Tensor => apply2(atan2Op, y, x);
/** The hyperbolic sine. */
export const sinh = (x: Tensor): Tensor => apply1(sinhOp, x);
/** The hyperbolic cosine. */
export const cosh = (x: Tensor): Tensor => apply1(coshOp, x);
/** The error function: `2 / sqrt(pi)` times the integral of `e ** -(t ** 2)` from 0 to `x`. */
export const erf = (x: Tensor): Tensor => apply1(erfOp, x);

/** `log(e ** a + e ** b)`, broadcast; stable for large operands. */
export function logAddExp(a: Operand, b: Operand): Tensor {
  const [left, right] = broadcast('logAddExp', [a, b]) as [Tensor, Tensor];
  floatOnly('logAddExp', [left, right]);
  const larger = stopGradient(maximum(left, right));
  // The shift cancels out of the result, so its gradient may be left out.
  const shift = where(finiteMask(larger), larger, 0);
  const [x, y] = [sub(left, shift), sub(right, shift)];
  return add(log1p(where(ge(x, y), add(expm1(x), exp(y)), add(exp(x), expm1(y)))), shift);
}

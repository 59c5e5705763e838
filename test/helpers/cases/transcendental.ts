import * as cr from 'chainrule';
import type { Fn, InputSpec } from '../check-op.js';
import { binary, type OpCases, positive, unary } from './elementwise.js';

const x0 = (f: (x: cr.Tensor) => cr.Tensor): Fn => f as Fn;
const x01 = (f: (a: cr.Tensor, b: cr.Tensor) => cr.Tensor): Fn => f as Fn;
const within =
  (low: number, high: number) =>
  (shape: cr.Shape): InputSpec => ({ shape, low, high });

/** The error function by its Maclaurin series, which holds all digits for the small arguments used here. */
export function erf(x: number): number {
  let sum = 0;
  let power = x;
  for (let n = 0; n < 60; n++) {
    sum += power / (2 * n + 1);
    power *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const floorMod = (a: number, b: number) => a - b * Math.floor(a / b);

/** The element-wise ops beyond the arithmetic and the activations. */
export const transcendentalCases: OpCases = {
  expm1: unary(x0(cr.expm1), Math.expm1),
  log1p: unary(x0(cr.log1p), Math.log1p, within(-0.8, 3)),
  tan: unary(x0(cr.tan), Math.tan, within(-1.2, 1.2)),
  asin: unary(x0(cr.asin), Math.asin, within(-0.9, 0.9)),
  acos: unary(x0(cr.acos), Math.acos, within(-0.9, 0.9)),
  atan: unary(x0(cr.atan), Math.atan),
  atan2: binary(x01(cr.atan2), Math.atan2, [within(-2, 2), within(0.3, 3)]),
  sinh: unary(x0(cr.sinh), Math.sinh),
  cosh: unary(x0(cr.cosh), Math.cosh),
  erf: unary(x0(cr.erf), erf),
  floor: unary(x0(cr.floor), Math.floor, within(-3.9, 3.9)),
  ceil: unary(x0(cr.ceil), Math.ceil, within(-3.9, 3.9)),
  round: unary(x0(cr.round), Math.round, within(-3.9, 3.9)),
  // The quotients stay between two whole numbers, where the remainder has a slope.
  floorDiv: binary(x01(cr.floorDiv), (a, b) => Math.floor(a / b), [within(1.2, 1.7), positive]).map(
    (entry) => ({
      ...entry,
      options: { ...entry.options, gradient: false },
    }),
  ),
  mod: binary(x01(cr.mod), floorMod, [within(2.2, 2.8), within(-2, -1.5)]),
};

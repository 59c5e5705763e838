import type { Tensor } from '../tensor.js';
import { mul, sub } from './arithmetic.js';
import { gt, where } from './logic.js';
import { apply1, floating, numeric, transcendental } from './map.js';

export const tanhOp = transcendental('tanh', (g, node) => [mul(g, sub(1, mul(node, node)))]);
export const sigmoidOp = transcendental('sigmoid', (g, node) => [mul(g, mul(node, sub(1, node)))]);
export const reluOp = numeric('relu', (g, node) => [where(gt(node, 0), g, 0)]);
export const leakyReluOp = floating('leakyRelu', (g, node) => [
  where(gt(node.input(0), 0), g, mul(g, node.attributes.value ?? 0)),
]);

/** The hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => apply1(tanhOp, x);
/** The logistic function `1 / (1 + e ** -x)`. */
export const sigmoid = (x: Tensor): Tensor => apply1(sigmoidOp, x);
/** `max(x, 0)`; its gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => apply1(reluOp, x);
/** `x` where positive, else `slope * x` (Maas et al. 2013). */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => apply1(leakyReluOp, x, slope);

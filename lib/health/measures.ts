import type { Tensor } from '../graph/tensor.js';
import { mean } from '../ops/math/reductions.js';
import { sum } from '../ops/primitives/broadcast.js';
import { abs, cast, eq, square, sub } from '../ops/primitives/elementwise.js';
import { max } from '../ops/primitives/reduce.js';

// All measures are in float64, so that squares of float32 do not overflow, and part of a plan, off the main thread.

const exactly = (x: Tensor): Tensor => cast(x, 'float64');
const share = (condition: Tensor): Tensor => mean(exactly(condition));

/** Sum of squares; not finite if any element is not. */
export const energy = (x: Tensor): Tensor => sum(square(exactly(x)));

/** Measures of a layer's output, given the gradient with respect to it. */
export function layerMeasures(output: Tensor, gradient: Tensor) {
  return {
    mean: mean(exactly(output)),
    energy: energy(output),
    zeros: share(eq(output, 0)),
    gradientEnergy: energy(gradient),
  };
}

/** Measures of a ReLU's output [..., units]. */
export function reluMeasures(output: Tensor) {
  const batch = output.shape.slice(0, -1).map((_, axis) => axis);
  return { zeros: share(eq(output, 0)), dead: share(eq(max(abs(output), batch), 0)) };
}

/** Measures of a parameter, given its gradient and its next value. */
export function parameterMeasures(value: Tensor, gradient: Tensor, next: Tensor | undefined) {
  return {
    energy: energy(value),
    gradientEnergy: energy(gradient),
    ...(next ? { update: energy(sub(exactly(next), exactly(value))) } : {}),
  };
}

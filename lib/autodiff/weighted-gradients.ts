import { at } from '../graph/at.js';
import { ones } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import type { GradientCall, Trace } from '../graph/trace.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * Gradients multiplied by a weight. Those that come directly from a call of `grad` in the trace are taken again from the
 * weighted loss, which multiplies one number instead of all their elements.
 *
 * @param gradients one for each of `wrt`
 * @param weigh multiplies a tensor by the weight
 */
export function weightedGradients(
  { gradientCalls }: Trace,
  wrt: readonly Tensor[],
  gradients: readonly Tensor[],
  weigh: (x: Tensor) => Tensor,
): Tensor[] {
  const weighted = new Map<Tensor, Tensor>();
  const byLoss = new Map<Tensor, Tensor[]>();
  const places = new Map<GradientCall, Map<Tensor, number>>();
  /** The gradient that a call returned for a tensor. */
  const gradientOf = (call: GradientCall, x: Tensor) => {
    const own = places.get(call) ?? new Map(call.wrt.map((one, i) => [one, i]));
    places.set(call, own);
    return call.gradients[own.get(x) ?? -1];
  };
  wrt.forEach((x, i) => {
    const gradient = at(gradients, i);
    const call = gradientCalls.get(gradient);
    if (call && gradientOf(call, x) === gradient) {
      const parts = byLoss.get(call.loss);
      if (parts) parts.push(x);
      else byLoss.set(call.loss, [x]);
    } else {
      weighted.set(x, weigh(gradient));
    }
  });
  for (const [loss, parts] of byLoss) {
    const share = weigh(loss);
    const found = gradientsOrZeros([share], [ones(share.shape, share.dtype)], parts);
    parts.forEach((x, i) => {
      weighted.set(x, at(found, i));
    });
  }
  return wrt.map((x) => weighted.get(x) as Tensor);
}

import { ones } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { gradientsOrZeros } from './vjp.js';

/** A call of `grad`. */
interface Origin {
  readonly loss: Tensor;
  readonly wrt: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

const origins = new WeakMap<Tensor, Origin>();

/** Notes that these are the gradients of a loss. */
export function noteGradients(loss: Tensor, wrt: readonly Tensor[], gradients: readonly Tensor[]): void {
  const origin = { loss, wrt, gradients };
  for (const gradient of gradients) origins.set(gradient, origin);
}

/**
 * Gradients times a weight. Those that come straight from `grad` are taken anew of the weighted loss, which weighs one
 * number instead of all of theirs.
 *
 * @param gradients one for each of `wrt`
 * @param weigh gives a tensor times the weight
 */
export function weightedGradients(
  wrt: readonly Tensor[],
  gradients: readonly Tensor[],
  weigh: (x: Tensor) => Tensor,
): Tensor[] {
  const weighted = new Map<Tensor, Tensor>();
  const byLoss = new Map<Tensor, Tensor[]>();
  wrt.forEach((x, i) => {
    const gradient = gradients[i] as Tensor;
    const origin = origins.get(gradient);
    if (origin?.gradients[origin.wrt.indexOf(x)] === gradient) {
      byLoss.set(origin.loss, [...(byLoss.get(origin.loss) ?? []), x]);
    } else {
      weighted.set(x, weigh(gradient));
    }
  });
  for (const [loss, parts] of byLoss) {
    const share = weigh(loss);
    const found = gradientsOrZeros([share], [ones(share.shape, share.dtype)], parts);
    parts.forEach((x, i) => {
      weighted.set(x, found[i] as Tensor);
    });
  }
  return wrt.map((x) => weighted.get(x) as Tensor);
}

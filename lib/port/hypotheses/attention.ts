import { at } from '../../graph/at.js';
import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { mul } from '../../ops/primitives/elementwise.js';
import { concat, permute, reshape, sliceAxis } from '../../ops/primitives/movement.js';
import { about, permutations, type Suspicion, withWeights } from './hypothesis.js';

const NAMES = ['queries', 'keys', 'values'];

/** Other masks, heads, scales, or projections in another order. */
export const otherAttention: Suspicion = about([nn.MultiheadAttention], function* (layer, evidence) {
  const { inputs } = evidence;
  const { embedDim, numHeads, in_proj_weight: weight, in_proj_bias: bias } = layer;
  const [query, key = query, value = key] = inputs;
  if (!query || !key || !value) return;
  for (const causal of [true, false])
    yield {
      reason: causal ? 'the original has a causal mask' : 'the original has no mask',
      output: () => layer.attend(query, key, value, { causal }),
    };
  if (!weight) return;
  const projected = (change: (w: Tensor) => Tensor) => () =>
    withWeights(evidence, {
      in_proj_weight: change(weight),
      ...(bias ? { in_proj_bias: change(bias) } : {}),
    });
  for (const order of permutations([0, 1, 2]).slice(1))
    yield {
      reason: `its projections are in the order ${order.map((i) => NAMES[i]).join(', ')}`,
      output: projected((w) => concat([0, 1, 2].map((side) => thirdOf(w, order.indexOf(side))))),
    };
  yield {
    reason: 'its projections stand side by side in each head',
    output: projected((w) => {
      const rest = w.shape.slice(1);
      const perHead = reshape(w, [numHeads, 3, embedDim / numHeads, ...rest]);
      return reshape(permute(perHead, [1, 0, 2, ...rest.map((_, i) => i + 3)]), w.shape);
    }),
  };
  // The scale is that of the queries, which are linear in their projection.
  const width = embedDim / numHeads;
  const scales: [string, number][] = [
    ['1', Math.sqrt(width)],
    ['one over the root of all features', 1 / Math.sqrt(numHeads)],
    ['one over the number of features of a head', 1 / Math.sqrt(width)],
  ];
  for (const [scale, factor] of scales)
    yield {
      reason: `the original has scores with the scale ${scale}`,
      output: projected((w) => concat([mul(thirdOf(w, 0), factor), thirdOf(w, 1), thirdOf(w, 2)])),
    };
  for (let heads = 1; heads <= embedDim; heads++)
    if (embedDim % heads === 0 && heads !== numHeads)
      yield {
        reason: `the original has ${heads} heads, here ${numHeads}`,
        output: () => {
          const { causal, kdim, vdim } = layer;
          const other = new nn.MultiheadAttention(embedDim, heads, {
            causal,
            kdim,
            vdim,
            bias: bias !== null,
          });
          Object.assign(other, { in_proj_weight: weight, in_proj_bias: bias, out_proj: layer.out_proj });
          return other.attend(query, key, value);
        },
      };
});

/** The rows of the queries, the keys or the values. */
function thirdOf(weight: Tensor, index: number): Tensor {
  const rows = at(weight.shape, 0) / 3;
  return sliceAxis(weight, 0, index * rows, (index + 1) * rows);
}

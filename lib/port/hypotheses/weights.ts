import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { ConvBase } from '../../nn/layers/conv-base.js';
import { inverse } from '../../nn/state/axes.js';
import { sub } from '../../ops/primitives/elementwise.js';
import { flip } from '../../ops/primitives/flip.js';
import { permute, reshape, transpose } from '../../ops/primitives/movement.js';
import { about, type Suspicion, withWeights } from './hypothesis.js';

/** Weights whose elements are in another order. */
export const orderOfWeights: Suspicion = about([nn.Linear, ConvBase], function* (layer, evidence) {
  const { weight } = layer;
  const other = (reason: string, change: (w: Tensor) => Tensor) => ({
    reason,
    output: () => withWeights(evidence, { weight: change(weight) }),
  });
  if (layer instanceof nn.Linear) {
    yield other('its weight is transposed', (w) => transpose(w, 0, 1));
    return;
  }
  const rank = weight.ndim - 2;
  const axes = layer.pytorchAxes().weight ?? [];
  const there = inverse(axes).map((axis) => weight.shape[axis] as number);
  yield other('its weight was read in the wrong layout: its elements are in the order of PyTorch', (w) =>
    permute(reshape(w, there), axes),
  );
  yield other('its weight has input and output channels swapped', (w) => transpose(w, -1, -2));
  if (rank > 1)
    yield other('its weight has height and width swapped', (w) => transpose(w, rank - 2, rank - 1));
  yield other('its kernel is flipped', (w) =>
    flip(
      w,
      Array.from({ length: rank }, (_, axis) => axis),
    ),
  );
});

/** A bias that was not there. */
export const surplusBias: Suspicion = about([nn.Linear, ConvBase], function* ({ bias }, { output }) {
  if (bias) yield { reason: 'the original has no bias', output: () => sub(output, bias) };
});

import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { mean } from '../../ops/math/reductions.js';
import { batchNorm, groupNorm, layerNorm, rmsNorm } from '../../ops/nn/normalisation.js';
import { along, normalise, ofChannels } from '../../ops/nn/normalise.js';
import { add, div, mul, sqrt, square, sub } from '../../ops/primitives/elementwise.js';
import { about, type Hypothesis, type Suspicion } from './hypothesis.js';

const EPSILONS = [1e-5, 1e-3, 1e-6, 1e-12, 1e-8, 1e-7, 1e-4, 1e-2, 0];

type Affine = { readonly weight: Tensor | null; readonly bias: Tensor | null };

function* epsilons(own: number | undefined, at: (eps: number) => Tensor): Generator<Hypothesis> {
  for (const eps of EPSILONS)
    if (eps !== own)
      yield {
        reason: `the original has eps ${eps}, here ${own ?? 'that of the dtype'}`,
        output: () => at(eps),
      };
}

function* withoutAffine({ weight, bias }: Affine, plain: () => Tensor): Generator<Hypothesis> {
  if (weight || bias) yield { reason: 'the original has no weight or bias', output: plain };
}

/** Batch normalisation with another epsilon, or by other statistics. */
export const otherBatchNorm: Suspicion = about(
  [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d],
  function* (layer, { input: x }) {
    const { weight, bias, eps, running_mean, running_var } = layer;
    if (!x || !running_mean || !running_var) return;
    const own = { mean: running_mean, variance: running_var };
    yield* epsilons(eps, (eps) => batchNorm(x, own, { weight, bias, eps }));
    yield {
      reason: 'recorded in training, by the statistics of the batch: call eval() before recording',
      output: () => normalise(x, ofChannels(x), { weight, bias, eps }),
    };
    const fresh = (value: number) => add(mul(running_mean, 0), value);
    yield {
      reason: 'the original has the running statistics of a new layer, 0 and 1',
      output: () => batchNorm(x, { mean: fresh(0), variance: fresh(1) }, { weight, bias, eps }),
    };
    yield {
      reason: 'its running variance is a standard deviation',
      output: () =>
        batchNorm(x, { mean: running_mean, variance: square(running_var) }, { weight, bias, eps }),
    };
    yield* withoutAffine(layer, () => batchNorm(x, own, { eps }));
  },
);

/** Layer normalisation with another epsilon, over other axes, or by another formula. */
export const otherLayerNorm: Suspicion = about([nn.LayerNorm], function* (layer, { input: x }) {
  const { weight, bias, eps, normalizedShape } = layer;
  const affine = (value: Tensor) => {
    const scaled = weight ? mul(value, weight) : value;
    return bias ? add(scaled, bias) : scaled;
  };
  yield* epsilons(eps, (eps) => layerNorm(x, normalizedShape, { weight, bias, eps }));
  yield* withoutAffine(layer, () => layerNorm(x, normalizedShape, { eps }));
  for (const axes of subsets(x.ndim))
    yield {
      reason: `the original normalises over the axes ${axes.join(', ')}`,
      output: () => affine(normalise(x, along(axes, false), { eps })),
    };
  yield {
    reason: 'the original has RMS normalisation',
    output: () => affine(rmsNorm(x, normalizedShape, { eps })),
  };
  yield {
    reason: 'the original divides by the unbiased standard deviation',
    output: () => {
      const last = x.shape.at(-1) as number;
      const centred = sub(x, mean(x, -1, { keepDims: true }));
      const variance = mul(mean(square(centred), -1, { keepDims: true }), last / (last - 1));
      return affine(div(centred, add(sqrt(variance), eps)));
    },
  };
});

/** RMS normalisation with another epsilon or weight, or with a mean. */
export const otherRMSNorm: Suspicion = about([nn.RMSNorm], function* (layer, { input: x }) {
  const { weight, eps, normalizedShape } = layer;
  const own = eps === undefined ? {} : { eps };
  yield* epsilons(eps, (eps) => rmsNorm(x, normalizedShape, { weight, eps }));
  if (weight)
    yield {
      reason: 'the original has a weight that is added to 1',
      output: () => rmsNorm(x, normalizedShape, { weight: add(weight, 1), ...own }),
    };
  yield* withoutAffine({ weight, bias: null }, () => rmsNorm(x, normalizedShape, own));
  yield {
    reason: 'the original has layer normalisation',
    output: () => layerNorm(x, normalizedShape, { weight, ...own }),
  };
});

/** Group and instance normalisation with another epsilon or other groups. */
export const otherGroupNorm: Suspicion = about(
  [nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d],
  function* (layer, { input: x }) {
    const { weight, bias, eps } = layer;
    const channels = x.shape.at(-1) ?? 1;
    const own = layer instanceof nn.GroupNorm ? layer.numGroups : channels;
    yield* epsilons(eps, (eps) => groupNorm(x, own, { weight, bias, eps }));
    for (let groups = 1; groups <= channels; groups++)
      if (channels % groups === 0 && groups !== own)
        yield {
          reason: `the original has ${groups} groups, here ${own}`,
          output: () => groupNorm(x, groups, { weight, bias, eps }),
        };
    yield* withoutAffine(layer, () => groupNorm(x, own, { eps }));
    yield {
      reason: 'the original has batch normalisation in training',
      output: () => normalise(x, ofChannels(x), { weight, bias, eps }),
    };
  },
);

/** The sets of axes behind the samples, each once. */
function subsets(rank: number): number[][] {
  const behind = Array.from({ length: Math.max(rank - 1, 0) }, (_, i) => i + 1);
  return Array.from({ length: 2 ** behind.length - 1 }, (_, code) =>
    behind.filter((_, place) => (code + 1) & (1 << place)),
  );
}

import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { adaptiveAvgPool2d, adaptiveMaxPool2d } from '../../ops/spatial/adaptive-pool.js';
import type { AvgPoolOptions, MaxPoolOptions } from '../../ops/spatial/pool-options.js';
import { avgPool1d, avgPool2d, maxPool1d, maxPool2d } from '../../ops/spatial/pooling.js';
import { upsample } from '../../ops/spatial/upsample.js';
import type { UpsampleMode } from '../../ops/spatial/upsample-options.js';
import { about, type Suspicion } from './hypothesis.js';

type Options = MaxPoolOptions & AvgPoolOptions;
type Pool = (x: Tensor, size: number, options: Options) => Tensor;

/** Another window, other edges, or the mean in place of the largest value. */
export const otherPool: Suspicion = about(
  [nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d],
  function* (layer, { input: x }) {
    const isMean = layer instanceof nn.AvgPool1d || layer instanceof nn.AvgPool2d;
    const [average, largest] = (x.ndim === 3 ? [avgPool1d, maxPool1d] : [avgPool2d, maxPool2d]) as [
      Pool,
      Pool,
    ];
    const own = layer.options as Options;
    const size = layer.size as number;
    const other = (reason: string, changed: Options, pool = isMean ? average : largest, window = size) => ({
      reason: `the original has ${reason}`,
      output: () => pool(x, window, { ...own, ...changed }),
    });
    if (isMean) {
      const counted = own.countIncludePad === false;
      yield other(`countIncludePad: ${counted}`, { countIncludePad: counted });
    }
    yield other(`ceilMode: ${!own.ceilMode}`, { ceilMode: !own.ceilMode });
    const { countIncludePad: _, dilation: _spread, ...shared } = own;
    yield {
      reason: `the original has the ${isMean ? 'largest value' : 'mean'} of each window`,
      output: () => (isMean ? largest : average)(x, size, shared),
    };
    for (const padding of [0, 1, 2]) yield other(`padding ${padding}`, { padding });
    for (const stride of [1, 2, 3, 4]) yield other(`stride ${stride}`, { stride });
    for (const window of [2, 3, 4, 5])
      for (const padding of [0, 1])
        yield other(`a window of ${window} and padding ${padding}`, { padding }, undefined, window);
  },
);

/** Adaptive pooling by the other kind. */
export const otherAdaptivePool: Suspicion = about(
  [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d],
  function* (layer, { input: x }) {
    const isMean = layer instanceof nn.AdaptiveAvgPool2d;
    yield {
      reason: `the original has the ${isMean ? 'largest value' : 'mean'} of each window`,
      output: () => (isMean ? adaptiveMaxPool2d : adaptiveAvgPool2d)(x, layer.size),
    };
  },
);

const MODES: readonly UpsampleMode[] = ['nearest', 'linear', 'bilinear', 'trilinear', 'bicubic'];

/** Another interpolation. */
export const otherInterpolation: Suspicion = about([nn.Upsample], function* ({ options }, { input: x }) {
  for (const alignCorners of [true, false])
    for (const mode of MODES)
      yield {
        reason: `the original has mode '${mode}'${mode === 'nearest' ? '' : ` with alignCorners: ${alignCorners}`}`,
        output: () => upsample(x, { ...options, mode, alignCorners }),
      };
});

import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import type { ConvBase } from '../../nn/layers/conv-base.js';
import { add } from '../../ops/primitives/elementwise.js';
import { pad } from '../../ops/primitives/movement.js';
import type { ConvOptions, ConvTransposeOptions } from '../../ops/spatial/conv-options.js';
import { convTranspose1d, convTranspose2d } from '../../ops/spatial/conv-transpose.js';
import { conv1d, conv2d } from '../../ops/spatial/convolution.js';
import { about, type Hypothesis, type Suspicion } from './hypothesis.js';

type Convolve<O> = (x: Tensor, weight: Tensor, options: O) => Tensor;

const WIDTHS = [0, 1, 2, 3, 4];

/** Other padding, another stride or dilation. */
export const otherWindow: Suspicion = about([nn.Conv1d, nn.Conv2d], function* (layer, { input: x }) {
  const rank = x.ndim - 2;
  const { bias: _, init: _init, dtype: _dtype, ...options } = layer.options as nn.Conv2dOptions;
  const convolve = (rank === 1 ? conv1d : conv2d) as Convolve<ConvOptions>;
  const other = (reason: string, changed: ConvOptions, input = (): Tensor => x): Hypothesis => ({
    reason: `the original has ${reason}`,
    output: () => biased(convolve(input(), layer.weight, { ...options, ...changed }), layer),
  });
  for (const paddingMode of ['zeros', 'reflect', 'replicate', 'circular'] as const)
    yield other(`padding of ${paddingMode === 'zeros' ? 'zeros' : `mode '${paddingMode}'`}`, { paddingMode });
  yield other("padding: 'same'", { padding: 'same' });
  for (const padding of WIDTHS) yield other(`padding ${padding}`, { padding });
  const sides: [number, number][] = [
    [0, 1],
    [1, 0],
    [1, 2],
    [2, 1],
    [0, 2],
    [2, 0],
  ];
  for (const [before, after] of sides)
    yield other(`padding of ${before} before and ${after} after`, { padding: 0 }, () =>
      pad(
        x,
        x.shape.map((_, axis) => (axis > 0 && axis <= rank ? [before, after] : [0, 0])),
      ),
    );
  for (const stride of WIDTHS.slice(1)) yield other(`stride ${stride}`, { stride });
  for (const dilation of WIDTHS.slice(1, 4))
    for (const padding of WIDTHS)
      yield other(`dilation ${dilation} and padding ${padding}`, { dilation, padding });
});

/** Other cropping of a transposed convolution. */
export const otherCropping: Suspicion = about(
  [nn.ConvTranspose1d, nn.ConvTranspose2d],
  function* (layer, { input: x }) {
    const { bias: _, init: _init, dtype: _dtype, ...options } = layer.options as nn.ConvTranspose2dOptions;
    const convolve = (x.ndim === 3 ? convTranspose1d : convTranspose2d) as Convolve<ConvTransposeOptions>;
    for (const padding of WIDTHS)
      for (const outputPadding of [0, 1, 2])
        yield {
          reason: `the original has padding ${padding} and output padding ${outputPadding}`,
          output: () => biased(convolve(x, layer.weight, { ...options, padding, outputPadding }), layer),
        };
  },
);

function biased(result: Tensor, { bias }: ConvBase): Tensor {
  return bias ? add(result, bias) : result;
}

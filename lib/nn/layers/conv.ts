import { requireInteger } from '../../graph/errors.js';
import { type ConvOptions, conv2d } from '../../graph/ops/conv.js';
import { add } from '../../graph/ops/elementwise.js';
import { type Pair, pair } from '../../graph/ops/window.js';
import type { Tensor } from '../../graph/tensor.js';
import { torchDefault } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import type { WeightOptions } from './linear.js';

export interface Conv2dOptions extends ConvOptions, WeightOptions {}

/**
 * A 2-D convolution of images with channels last. `weight` is [KH, KW, inChannels, outChannels], which is PyTorch's
 * permuted by (2, 3, 1, 0); `bias` is [outChannels].
 */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #options: ConvOptions;

  /** @param kernelSize one number, or `[height, width]` */
  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super();
    requireInteger('Conv2d', 'inChannels', inChannels, { min: 1 });
    requireInteger('Conv2d', 'outChannels', outChannels, { min: 1 });
    const [height, width] = pair('Conv2d', 'kernelSize', kernelSize, 1);
    const {
      bias = true,
      init = torchDefault,
      dtype = 'float32',
      stride = 1,
      padding = 0,
      dilation = 1,
    } = options;
    this.#options = {
      stride: pair('Conv2d', 'stride', stride, 1),
      padding: pair('Conv2d', 'padding', padding, 0),
      dilation: pair('Conv2d', 'dilation', dilation, 1),
    };
    const fans = { fanIn: inChannels * height * width, fanOut: outChannels * height * width, dtype };
    this.weight = new Parameter([height, width, inChannels, outChannels], { init, ...fans });
    this.bias = bias ? new Parameter([outChannels], { init: torchDefault, ...fans }) : null;
  }

  /** [N, H, W, inChannels] -> [N, OH, OW, outChannels] */
  forward(x: Tensor): Tensor {
    const result = conv2d(x, this.weight, this.#options);
    return this.bias ? add(result, this.bias) : result;
  }
}

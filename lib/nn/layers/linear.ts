import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf, readOptions } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { requireInteger } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { type Initialiser, torchDefault } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

/** Options that layers with a weight and a bias share. */
export interface WeightOptions {
  /** True to add a bias. Default true. */
  readonly bias?: boolean;
  /** Initial values of the weight; PyTorch's by default. */
  readonly init?: Initialiser;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

/** The kinds of `WeightOptions`. */
export const weightOptions = { bias: kinds.boolean, init: kinds.callback<Initialiser>(), dtype: kinds.dtype };

/** Options of `Linear`. */
export interface LinearOptions extends WeightOptions {
  /** Initial values of the bias; PyTorch's by default. */
  readonly biasInit?: Initialiser;
}

const linearOptions = optionsOf<LinearOptions>({ ...weightOptions, biasInit: weightOptions.init });

/**
 * `x W^T + b` on the last axis, as `torch.nn.Linear`: `weight` is [outFeatures, inFeatures], `bias` [outFeatures].
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}, ...surplus: []) {
    super(...surplus);
    requireInteger('Linear', 'inFeatures', inFeatures, { min: 1 });
    requireInteger('Linear', 'outFeatures', outFeatures, { min: 1 });
    const {
      bias = true,
      init = torchDefault,
      biasInit = torchDefault,
      dtype = 'float32',
    } = readOptions('Linear', linearOptions, options);
    const fans = { fanIn: inFeatures, fanOut: outFeatures, dtype };
    this.weight = new Parameter([outFeatures, inFeatures], { init, ...fans });
    this.bias = bias ? new Parameter([outFeatures], { init: biasInit, ...fans }) : null;
  }

  /** [..., inFeatures] -> [..., outFeatures] */
  forward(x: Tensor): Tensor {
    const product = matmul(x, this.weight, { transposeB: true });
    return this.bias ? add(product, this.bias) : product;
  }
}

import { requireArguments } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { initialiser } from '../init/made.js';
import { type Initialiser, torchDefault } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { type WeightOptions, weightOptions } from './weight-options.js';

/** Options of `Linear`. */
export interface LinearOptions extends WeightOptions {
  /** Initial values of the bias; PyTorch's by default. */
  readonly biasInit?: Initialiser;
}

const linearOptions = optionsOf<LinearOptions>({ ...weightOptions.kinds, biasInit: initialiser });

/**
 * `x W^T + b` on the last axis, as `torch.nn.Linear`: `weight` is [outFeatures, inFeatures], `bias` [outFeatures].
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}, ...surplus: []) {
    const parameters = {
      inFeatures: kinds.count,
      outFeatures: kinds.count,
      options: optional(linearOptions),
    };
    requireArguments('Linear', parameters, [inFeatures, outFeatures, options, ...surplus]);
    super();
    const { bias = true, init = torchDefault, biasInit = torchDefault, dtype = 'float32' } = options;
    const fans = { fanIn: inFeatures, fanOut: outFeatures, dtype };
    this.weight = new Parameter([outFeatures, inFeatures], { init, ...fans });
    this.bias = bias ? new Parameter([outFeatures], { init: biasInit, ...fans }) : null;
  }

  /** [..., inFeatures] -> [..., outFeatures] */
  forward(x: Tensor): Tensor {
    const [, inFeatures] = this.weight.shape;
    if (x.shape.at(-1) !== inFeatures) {
      throw invalid('Linear', `the last axis of the input must be ${inFeatures}${flattenHint(x)}`, x.shape);
    }
    requireInputDType('Linear', x, this.weight);
    const product = matmul(x, this.weight, { transposeB: true });
    return this.bias ? add(product, this.bias) : product;
  }
}

/** Images and the like are often meant to be flattened. */
function flattenHint({ shape, ndim, size }: Tensor): string {
  const [rows = 0] = shape;
  if (ndim < 3 || rows === 0) return '';
  return `; is an nn.Flatten missing, which gives ${formatShape([rows, size / rows])}?`;
}

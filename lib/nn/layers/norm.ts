import { requireArguments } from '../../graph/arguments/checked.js';
import { either, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { requireNormalizedShape } from '../../ops/nn/checks.js';
import {
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from '../../ops/nn/normalisation.js';
import {
  type LocalResponseNormOptions,
  localResponseNormOptions,
} from '../../ops/nn/normalisation-options.js';
import { ones, zeros } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { requireLayout } from './layout.js';

/** Options of `LayerNorm`: PyTorch's names and defaults. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** True to have a `weight`, and a `bias` unless `bias` is false. Default true. */
  readonly elementwiseAffine?: boolean;
  /** True to have a `bias`. Default true. */
  readonly bias?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const normalizedShapeKind = either(kinds.axis, kinds.shape);

const layerNormParameters = {
  normalizedShape: normalizedShapeKind,
  options: optional(
    optionsOf<LayerNormOptions>({
      eps: kinds.nonNegative,
      elementwiseAffine: kinds.boolean,
      bias: kinds.boolean,
      dtype: kinds.dtype,
    }),
  ),
};

/**
 * Layer normalisation over the trailing dimensions (Ba, Kiros & Hinton 2016). `weight` and `bias` have the shape
 * `normalizedShape` and start as ones and zeros.
 */
export class LayerNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly normalizedShape: Shape;
  readonly #eps: number;

  /** @param normalizedShape the trailing dimensions, or the last one alone */
  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}, ...surplus: []) {
    requireArguments('LayerNorm', layerNormParameters, [normalizedShape, options, ...surplus]);
    super();
    const { eps = 1e-5, elementwiseAffine = true, bias = true, dtype = 'float32' } = options;
    const shape = requireFeatures('LayerNorm', normalizedShape);
    this.normalizedShape = shape;
    this.#eps = eps;
    this.weight = elementwiseAffine ? new Parameter(shape, { init: ones, dtype }) : null;
    this.bias = elementwiseAffine && bias ? new Parameter(shape, { init: zeros, dtype }) : null;
  }

  /** Added to the variance. */
  get eps(): number {
    return this.#eps;
  }

  /** [..., ...normalizedShape] -> the same shape. */
  forward(x: Tensor): Tensor {
    requireInputDType('LayerNorm', x, this.weight);
    return layerNorm(x, this.normalizedShape, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Options of `RMSNorm`: PyTorch's names and defaults. */
export interface RMSNormLayerOptions {
  /** Added to the mean square. Default: the machine epsilon of the dtype. */
  readonly eps?: number;
  /** True to have a `weight`. Default true. */
  readonly elementwiseAffine?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const rmsNormParameters = {
  normalizedShape: normalizedShapeKind,
  options: optional(
    optionsOf<RMSNormLayerOptions>({
      eps: kinds.nonNegative,
      elementwiseAffine: kinds.boolean,
      dtype: kinds.dtype,
    }),
  ),
};

/**
 * Division by the root mean square of the trailing dimensions (Zhang & Sennrich 2019). `weight` has the shape
 * `normalizedShape` and starts as ones.
 */
export class RMSNorm extends Module {
  readonly weight: Parameter | null;
  readonly normalizedShape: Shape;
  readonly #eps: number | undefined;

  /** @param normalizedShape the trailing dimensions, or the last one alone */
  constructor(normalizedShape: number | Shape, options: RMSNormLayerOptions = {}, ...surplus: []) {
    requireArguments('RMSNorm', rmsNormParameters, [normalizedShape, options, ...surplus]);
    super();
    const { eps, elementwiseAffine = true, dtype = 'float32' } = options;
    const shape = requireFeatures('RMSNorm', normalizedShape);
    this.normalizedShape = shape;
    this.#eps = eps;
    this.weight = elementwiseAffine ? new Parameter(shape, { init: ones, dtype }) : null;
  }

  /** Added to the mean square; undefined for the machine epsilon of the dtype. */
  get eps(): number | undefined {
    return this.#eps;
  }

  /** [..., ...normalizedShape] -> the same shape. */
  forward(x: Tensor): Tensor {
    requireInputDType('RMSNorm', x, this.weight);
    const options = this.eps === undefined ? {} : { eps: this.eps };
    return rmsNorm(x, this.normalizedShape, { weight: this.weight, ...options });
  }
}

/** Options of group and instance normalisation: PyTorch's names. */
export interface ChannelNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** True to have a `weight` and a `bias`, [C]. Default true for groups, false for instances. */
  readonly affine?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const channelNormOptions = optionsOf<ChannelNormOptions>({
  eps: kinds.nonNegative,
  affine: kinds.boolean,
  dtype: kinds.dtype,
});

/** Group normalisation of [N, ..., numChannels] (Wu & He 2018), with `weight` and `bias` [numChannels]. */
export class GroupNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly #eps: number;

  /** @param numGroups a divisor of `numChannels` */
  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: ChannelNormOptions = {},
    ...surplus: []
  ) {
    const parameters = {
      numGroups: kinds.count,
      numChannels: kinds.count,
      options: optional(channelNormOptions),
    };
    requireArguments('GroupNorm', parameters, [numGroups, numChannels, options, ...surplus]);
    super();
    const { eps = 1e-5, affine = true, dtype = 'float32' } = options;
    if (numChannels % numGroups !== 0) {
      throw invalid('GroupNorm', `numGroups must divide the ${numChannels} channels`, numGroups);
    }
    this.#eps = eps;
    this.weight = affine ? new Parameter([numChannels], { init: ones, dtype }) : null;
    this.bias = affine ? new Parameter([numChannels], { init: zeros, dtype }) : null;
  }

  /** Added to the variance. */
  get eps(): number {
    return this.#eps;
  }

  /** [N, ..., numChannels] -> the same shape. */
  forward(x: Tensor): Tensor {
    if (x.ndim < 2 || x.shape.at(-1) !== this.numChannels) {
      throw invalid('GroupNorm', `input must be [N,...,${this.numChannels}]`, x.shape);
    }
    requireInputDType('GroupNorm', x, this.weight);
    return groupNorm(x, this.numGroups, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Instance normalisation (Ulyanov, Vedaldi & Lempitsky 2016), by each sample's own statistics in both modes. */
abstract class InstanceNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly #name: string;
  readonly #layout: string;
  readonly #eps: number;

  protected constructor(
    name: string,
    layout: string,
    readonly numFeatures: number,
    options: ChannelNormOptions,
    surplus: readonly unknown[],
  ) {
    const parameters = { numFeatures: kinds.count, options: optional(channelNormOptions) };
    requireArguments(name, parameters, [numFeatures, options, ...surplus]);
    super();
    const { eps = 1e-5, affine = false, dtype = 'float32' } = options;
    this.#name = name;
    this.#layout = layout;
    this.#eps = eps;
    this.weight = affine ? new Parameter([numFeatures], { init: ones, dtype }) : null;
    this.bias = affine ? new Parameter([numFeatures], { init: zeros, dtype }) : null;
  }

  /** Added to the variance. */
  get eps(): number {
    return this.#eps;
  }

  /** [N, ..., numFeatures] -> the same shape. */
  forward(x: Tensor): Tensor {
    requireLayout(this.#name, x, [this.#layout], this.numFeatures);
    requireInputDType(this.#name, x, this.weight);
    return instanceNorm(x, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Instance normalisation of sequences [N, L, C]; with `affine`, there are a `weight` and a `bias` [C]. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}, ...surplus: []) {
    super('InstanceNorm1d', 'N,L', numFeatures, options, surplus);
  }
}

/** Instance normalisation of images [N, H, W, C]; with `affine`, there are a `weight` and a `bias` [C]. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(numFeatures: number, options: ChannelNormOptions = {}, ...surplus: []) {
    super('InstanceNorm2d', 'N,H,W', numFeatures, options, surplus);
  }
}

/** Local response normalisation over `size` neighbouring channels of [N, ..., C] (Krizhevsky et al. 2012). */
export class LocalResponseNorm extends Module {
  constructor(
    readonly size: number,
    private readonly options: LocalResponseNormOptions = {},
    ...surplus: []
  ) {
    const parameters = { size: kinds.count, options: optional(localResponseNormOptions) };
    requireArguments('LocalResponseNorm', parameters, [size, options, ...surplus]);
    super();
  }

  /** [N, ..., C] -> the same shape. */
  forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options);
  }
}

/** The trailing dimensions that a layer normalises, which hold at least one element. */
function requireFeatures(op: string, normalizedShape: number | Shape): Shape {
  const shape = requireNormalizedShape(op, normalizedShape);
  if (shape.includes(0)) throw invalid(op, 'normalizedShape must hold at least one element', shape);
  return shape;
}

import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import type { Options } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { type Extents, extent, extents } from '../../ops/primitives/images/window.js';
import { torchDefault } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import type { Axes } from '../state/axes.js';
import type { WeightOptions } from './weight-options.js';

/** The properties in which kinds of convolution differ. */
export interface ConvSpec {
  /** Class name, for errors. */
  readonly name: string;
  /** The number of spatial axes. */
  readonly rank: number;
  readonly transposed: boolean;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Extents;
  readonly groups: number;
  readonly convolve: (x: Tensor, weight: Tensor) => Tensor;
}

/** The parameters of a convolution's constructor. */
export function convParameters<T extends WeightOptions>(options: Options<T>) {
  return {
    inChannels: kinds.count,
    outChannels: kinds.count,
    kernelSize: extent,
    options: optional(options),
  };
}

/**
 * Base class of convolutions: a weight that is PyTorch's with the spatial axes first and the other two swapped, and a
 * bias over the output channels.
 */
export abstract class ConvBase<O extends WeightOptions = WeightOptions> extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #name: string;
  readonly #convolve: (x: Tensor, weight: Tensor) => Tensor;

  readonly #options: O;

  constructor(spec: ConvSpec, options: O) {
    super();
    this.#options = options;
    const { name, rank, transposed, inChannels, outChannels, groups, convolve } = spec;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw invalid(name, 'groups must divide inChannels and outChannels', groups);
    }
    const kernel = extents(name, 'kernelSize', spec.kernelSize, rank, 1);
    const { bias = true, init = torchDefault, dtype = 'float32' } = options;
    const [first, second] = transposed ? [outChannels, inChannels] : [inChannels, outChannels];
    const taps = kernel.reduce((a, b) => a * b, 1);
    // As in PyTorch, which reads the fans from the weight's shape and so takes a transposed one's from the wrong
    // sides.
    const fans = { fanIn: (first / groups) * taps, fanOut: second * taps, dtype };
    this.weight = new Parameter([...kernel, first / groups, second], { init, ...fans });
    this.bias = bias ? new Parameter([outChannels], { init: torchDefault, ...fans }) : null;
    this.#name = name;
    this.#convolve = convolve;
  }

  /** The options that it was made with. */
  get options(): O {
    return this.#options;
  }

  override pytorchAxes(): Readonly<Record<string, Axes>> {
    const rank = this.weight.ndim - 2;
    return { weight: [...Array.from({ length: rank }, (_, axis) => axis + 2), 1, 0] };
  }

  /** [N, ..., inChannels] -> [N, ..., outChannels] */
  forward(x: Tensor): Tensor {
    requireInputDType(this.#name, x, this.weight);
    const result = this.#convolve(x, this.weight);
    return this.bias ? add(result, this.bias) : result;
  }
}

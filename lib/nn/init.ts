import type { DType } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { add, mul } from '../graph/ops/elementwise.js';
import { full } from '../graph/ops/leaf.js';
import * as random from '../graph/ops/random.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';

/** What an initialiser may depend on besides the shape. */
export interface InitContext {
  readonly dtype: DType;
  /** Numbers the random draw; differs for each parameter. */
  readonly key: number;
  readonly fanIn: number;
  readonly fanOut: number;
}

/** Gives the first values of a parameter as a graph expression. */
export type Initialiser = (shape: Shape, context: InitContext) => Tensor;

/** Which fan the Kaiming initialisers keep the variance of: the forward or the backward pass. */
export type FanMode = 'fanIn' | 'fanOut';

/** Every element is `value`. */
export function constant(value: number): Initialiser {
  return (shape, { dtype }) => full(shape, value, dtype);
}

/** All zeros. */
export const zeros: Initialiser = constant(0);

/** All ones. */
export const ones: Initialiser = constant(1);

/** Uniform in [low, high). */
export function uniform(low = 0, high = 1): Initialiser {
  return (shape, { dtype, key }) => add(mul(random.uniform(shape, dtype, key), high - low), low);
}

/** Normal with the given mean and standard deviation. */
export function normal(mean = 0, deviation = 1): Initialiser {
  return (shape, { dtype, key }) =>
    add(mul(random.normal(shape, dtype, [key, (key ^ 0x5bd1e995) >>> 0]), deviation), mean);
}

/** Uniform with variance `gain ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export function xavierUniform(gain = 1): Initialiser {
  return (shape, context) => {
    const bound = gain * Math.sqrt(6 / (context.fanIn + context.fanOut));
    return uniform(-bound, bound)(shape, context);
  };
}

/** Normal with variance `gain ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export function xavierNormal(gain = 1): Initialiser {
  return (shape, context) =>
    normal(0, gain * Math.sqrt(2 / (context.fanIn + context.fanOut)))(shape, context);
}

export interface KaimingOptions {
  /** The slope of the leaky ReLU that follows; 0 for ReLU. */
  readonly slope?: number;
  /** Default 'fanIn'. */
  readonly mode?: FanMode;
}

function kaimingDeviation({ slope = 0, mode = 'fanIn' }: KaimingOptions, context: InitContext): number {
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw invalid('kaiming', "mode must be 'fanIn' or 'fanOut'", mode);
  return Math.sqrt(2 / (1 + slope ** 2) / context[mode]);
}

/** Uniform with variance `2 / (1 + slope ** 2) / fan` (He et al. 2015). */
export function kaimingUniform(options: KaimingOptions = {}): Initialiser {
  return (shape, context) => {
    const bound = Math.sqrt(3) * kaimingDeviation(options, context);
    return uniform(-bound, bound)(shape, context);
  };
}

/** Normal with variance `2 / (1 + slope ** 2) / fan` (He et al. 2015). */
export function kaimingNormal(options: KaimingOptions = {}): Initialiser {
  return (shape, context) => normal(0, kaimingDeviation(options, context))(shape, context);
}

/** Uniform in ±1 / sqrt(fanIn): PyTorch's default for the weights and biases of linear layers and convolutions. */
export const torchDefault: Initialiser = (shape, context) => {
  const bound = 1 / Math.sqrt(context.fanIn || 1);
  return uniform(-bound, bound)(shape, context);
};

import { invalid, requireOptions } from '../../graph/errors.js';
import { normal, uniform } from './basic.js';
import type { FanMode, InitContext, Initialiser } from './initializer.js';

/** Nonlinearities that have a recommended gain. */
export type Nonlinearity = 'linear' | 'conv' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

const gains: Readonly<Record<Nonlinearity, (slope: number) => number>> = {
  linear: () => 1,
  conv: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (slope) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
};

/**
 * Factor on the standard deviation of weights that makes up for the nonlinearity that follows, as
 * `torch.nn.init.calculate_gain`.
 *
 * @param slope slope of the leaky ReLU; default 0.01
 */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  if (!Object.hasOwn(gains, nonlinearity)) {
    throw invalid('gain', `nonlinearity must be one of ${Object.keys(gains).join(', ')}`, nonlinearity);
  }
  if (!Number.isFinite(slope)) throw invalid('gain', 'slope must be a finite number', slope);
  return gains[nonlinearity](slope);
}

/** Uniform with variance `factor ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export function xavierUniform(factor = 1): Initialiser {
  requireGain('xavierUniform', factor);
  return (shape, context) => uniformOf(factor * averageDeviation(context))(shape, context);
}

/** Normal with variance `factor ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export function xavierNormal(factor = 1): Initialiser {
  requireGain('xavierNormal', factor);
  return (shape, context) => normal(0, factor * averageDeviation(context))(shape, context);
}

export interface KaimingOptions {
  /** Slope of the leaky ReLU that follows. Default 0, for ReLU. */
  readonly slope?: number;
  /** Fan to scale by. Default 'fanIn'. */
  readonly mode?: FanMode;
  /** Gain of the nonlinearity that follows, instead of the leaky ReLU's: see `gain`. */
  readonly gain?: number;
}

/** Uniform with variance `gain ** 2 / fan`, where the gain is `sqrt(2 / (1 + slope ** 2))` (He et al. 2015). */
export function kaimingUniform(options: KaimingOptions = {}): Initialiser {
  const deviation = kaimingDeviation('kaimingUniform', options);
  return (shape, context) => uniformOf(deviation(context))(shape, context);
}

/** Normal with variance `gain ** 2 / fan`, where the gain is `sqrt(2 / (1 + slope ** 2))` (He et al. 2015). */
export function kaimingNormal(options: KaimingOptions = {}): Initialiser {
  const deviation = kaimingDeviation('kaimingNormal', options);
  return (shape, context) => normal(0, deviation(context))(shape, context);
}

/** Uniform with variance `1 / fanIn` (LeCun et al. 1998). */
export const lecunUniform: Initialiser = kaimingUniform({ gain: 1 });

/** Normal with variance `1 / fanIn` (LeCun et al. 1998), as SELU networks need. */
export const lecunNormal: Initialiser = kaimingNormal({ gain: 1 });

/** Uniform in ±1 / sqrt(fanIn): PyTorch's default for the weights and biases of linear layers and convolutions. */
export const torchDefault: Initialiser = (shape, context) => {
  const bound = 1 / Math.sqrt(context.fanIn || 1);
  return uniform(-bound, bound)(shape, context);
};

function averageDeviation({ fanIn, fanOut }: InitContext): number {
  return Math.sqrt(2 / (fanIn + fanOut));
}

function kaimingDeviation(op: string, options: KaimingOptions) {
  requireOptions(op, options);
  const { slope = 0, mode = 'fanIn', gain: given } = options;
  if (mode !== 'fanIn' && mode !== 'fanOut') throw invalid(op, "mode must be 'fanIn' or 'fanOut'", mode);
  const factor = requireGain(op, given ?? gain('leakyRelu', slope));
  return (context: InitContext): number => factor / Math.sqrt(context[mode]);
}

/** Uniform around 0 with a given standard deviation. */
function uniformOf(deviation: number): Initialiser {
  const bound = Math.sqrt(3) * deviation;
  return uniform(-bound, bound);
}

function requireGain(op: string, factor: number): number {
  if (factor >= 0 && Number.isFinite(factor)) return factor;
  throw invalid(op, 'gain must be a finite number of at least 0', factor);
}

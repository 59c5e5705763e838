import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { normal, uniform } from './basic.js';
import type { FanMode, InitContext, Initialiser } from './initializer.js';
import { made, maker } from './made.js';

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
export const gain = checked(
  'gain',
  { nonlinearity: kinds.oneOf(...(Object.keys(gains) as Nonlinearity[])), slope: optional(kinds.finite) },
  (nonlinearity: Nonlinearity, slope = 0.01): number => gains[nonlinearity](slope),
);

/** Uniform with variance `factor ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export const xavierUniform = maker(
  'xavierUniform',
  { gain: optional(kinds.nonNegative) },
  (factor = 1): Initialiser =>
    made('xavierUniform', (shape, context) => uniformOf(factor * averageDeviation(context))(shape, context)),
);

/** Normal with variance `factor ** 2 * 2 / (fanIn + fanOut)` (Glorot & Bengio 2010). */
export const xavierNormal = maker(
  'xavierNormal',
  { gain: optional(kinds.nonNegative) },
  (factor = 1): Initialiser =>
    made('xavierNormal', (shape, context) => normal(0, factor * averageDeviation(context))(shape, context)),
);

export interface KaimingOptions {
  /** Slope of the leaky ReLU that follows. Default 0, for ReLU. */
  readonly slope?: number;
  /** Fan to scale by. Default 'fanIn'. */
  readonly mode?: FanMode;
  /** Gain of the nonlinearity that follows, instead of the leaky ReLU's: see `gain`. */
  readonly gain?: number;
}

const kaimingOptions = optionsOf<KaimingOptions>({
  slope: kinds.finite,
  mode: kinds.oneOf('fanIn', 'fanOut'),
  gain: kinds.nonNegative,
});

/** Uniform with variance `gain ** 2 / fan`, where the gain is `sqrt(2 / (1 + slope ** 2))` (He et al. 2015). */
export const kaimingUniform = maker(
  'kaimingUniform',
  { options: optional(kaimingOptions) },
  (options: KaimingOptions = {}): Initialiser => {
    const deviation = kaimingDeviation(options);
    return made('kaimingUniform', (shape, context) => uniformOf(deviation(context))(shape, context));
  },
);

/** Normal with variance `gain ** 2 / fan`, where the gain is `sqrt(2 / (1 + slope ** 2))` (He et al. 2015). */
export const kaimingNormal = maker(
  'kaimingNormal',
  { options: optional(kaimingOptions) },
  (options: KaimingOptions = {}): Initialiser => {
    const deviation = kaimingDeviation(options);
    return made('kaimingNormal', (shape, context) => normal(0, deviation(context))(shape, context));
  },
);

/** Uniform with variance `1 / fanIn` (LeCun et al. 1998). */
export const lecunUniform: Initialiser = kaimingUniform({ gain: 1 });

/** Normal with variance `1 / fanIn` (LeCun et al. 1998), as SELU networks need. */
export const lecunNormal: Initialiser = kaimingNormal({ gain: 1 });

/** Uniform in ±1 / sqrt(fanIn): PyTorch's default for the weights and biases of linear layers and convolutions. */
export const torchDefault: Initialiser = made('torchDefault', (shape, context) => {
  const bound = 1 / Math.sqrt(context.fanIn || 1);
  return uniform(-bound, bound)(shape, context);
});

function averageDeviation({ fanIn, fanOut }: InitContext): number {
  return Math.sqrt(2 / (fanIn + fanOut));
}

function kaimingDeviation({ slope = 0, mode = 'fanIn', gain: given }: KaimingOptions) {
  const factor = given ?? gain('leakyRelu', slope);
  return (context: InitContext): number => factor / Math.sqrt(context[mode]);
}

/** Uniform around 0 with a given standard deviation. */
function uniformOf(deviation: number): Initialiser {
  const bound = Math.sqrt(3) * deviation;
  return uniform(-bound, bound);
}

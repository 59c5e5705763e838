import { nn, optim, sin, sum, type Tensor, tensor } from 'chainrule';
import type { DType } from '#lib/graph/dtype.js';
import { type Recorded, readFixture } from './fixtures.js';
import { hashUniform } from './random-graph/random.js';

/** The recordings of scripts/fixtures/optimizers.py. */
export interface OptimizerFixture {
  readonly torch: string;
  readonly steps: number;
  readonly runs: Readonly<Record<string, Recorded>>;
  readonly rates: Readonly<Record<string, readonly number[]>>;
  readonly plateaus: {
    readonly figures: readonly number[];
    readonly rates: Readonly<Record<string, readonly number[]>>;
  };
  readonly lbfgs: Readonly<Record<string, RecordedLbfgs>>;
}

export interface RecordedLbfgs {
  readonly losses: readonly number[];
  readonly path: Recorded;
  readonly evaluations: number;
}

export const recorded = readFixture<OptimizerFixture>('optimizers');

const bias = /^bias$/;
const beside = (own: object) => [{ match: bias, ...own }];

/** The optimisers of the recorded runs. */
export const optimizers: Readonly<Record<string, () => optim.Optimizer>> = {
  sgd: () => optim.sgd({ lr: 0.05 }),
  'sgd momentum': () => optim.sgd({ lr: 0.05, momentum: 0.9 }),
  'sgd dampening': () => optim.sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5 }),
  'sgd nesterov': () => optim.sgd({ lr: 0.05, momentum: 0.8, nesterov: true }),
  'sgd weight decay': () => optim.sgd({ lr: 0.05, weightDecay: 0.1 }),
  'sgd all': () => optim.sgd({ lr: 0.02, momentum: 0.9, nesterov: true, weightDecay: 0.05 }),
  'sgd l1': () => optim.sgd({ lr: 0.05, l1: 0.2 }),
  'sgd groups': () => optim.sgd({ lr: 0.02, momentum: 0.5, groups: beside({ lr: 0.1, weightDecay: 0.3 }) }),
  'sgd clipNorm': () => optim.sgd({ lr: 0.1, clipNorm: 0.7 }),
  'sgd clipValue': () => optim.sgd({ lr: 0.1, clipValue: 0.4 }),
  'sgd accumulate': () => optim.sgd({ lr: 0.05, momentum: 0.9, accumulate: 3 }),
  'sgd average': () => optim.sgd({ lr: 0.05, average: 0.9 }),
  adaGrad: () => optim.adaGrad({ lr: 0.2 }),
  'adaGrad defaults': () => optim.adaGrad(),
  'adaGrad options': () =>
    optim.adaGrad({ lr: 0.3, lrDecay: 0.02, weightDecay: 0.1, initialAccumulator: 0.5, eps: 1e-3 }),
  rmsProp: () => optim.rmsProp({ lr: 0.02 }),
  'rmsProp defaults': () => optim.rmsProp(),
  'rmsProp centered': () => optim.rmsProp({ lr: 0.02, centered: true }),
  'rmsProp momentum': () => optim.rmsProp({ lr: 0.01, momentum: 0.8 }),
  'rmsProp all': () =>
    optim.rmsProp({ lr: 0.01, alpha: 0.9, eps: 1e-3, weightDecay: 0.1, momentum: 0.5, centered: true }),
  adadelta: () => optim.adadelta(),
  'adadelta options': () => optim.adadelta({ lr: 0.7, rho: 0.8, eps: 1e-4, weightDecay: 0.1 }),
  adam: () => optim.adam({ lr: 0.1 }),
  'adam defaults': () => optim.adam(),
  'adam options': () => optim.adam({ lr: 0.05, betas: [0.8, 0.99], eps: 1e-3, weightDecay: 0.1 }),
  'adam groups': () => optim.adam({ lr: 0.1, groups: beside({ lr: 0.02, betas: [0.5, 0.9] }) }),
  'adam clipNorm': () => optim.adam({ lr: 0.1, clipNorm: 0.3 }),
  'adam accumulate': () => optim.adam({ lr: 0.1, accumulate: 2 }),
  'adam average': () => optim.adam({ lr: 0.1, average: 0.8 }),
  amsGrad: () => optim.adam({ lr: 0.1, amsgrad: true }),
  'amsGrad options': () => optim.amsGrad({ lr: 0.2, betas: [0.6, 0.8], weightDecay: 0.1 }),
  adamW: () => optim.adamW({ lr: 0.1 }),
  'adamW defaults': () => optim.adamW(),
  'adamW options': () => optim.adamW({ lr: 0.05, betas: [0.7, 0.95], eps: 1e-4, weightDecay: 0.3 }),
  'adamW amsgrad': () => optim.adamW({ lr: 0.1, betas: [0.7, 0.9], amsgrad: true }),
  'adamW groups': () => optim.adamW({ lr: 0.1, weightDecay: 0.4, groups: beside({ weightDecay: 0 }) }),
  nAdam: () => optim.nAdam({ lr: 0.05 }),
  'nAdam defaults': () => optim.nAdam(),
  'nAdam options': () =>
    optim.nAdam({ lr: 0.02, betas: [0.7, 0.95], eps: 1e-4, weightDecay: 0.2, momentumDecay: 0.05 }),
  'nAdam decoupled': () => optim.nAdam({ lr: 0.05, weightDecay: 0.2, decoupled: true }),
  rAdam: () => optim.rAdam({ lr: 0.1 }),
  'rAdam defaults': () => optim.rAdam(),
  'rAdam options': () => optim.rAdam({ lr: 0.1, betas: [0.7, 0.9], eps: 1e-4, weightDecay: 0.2 }),
  'rAdam decoupled': () => optim.rAdam({ lr: 0.1, weightDecay: 0.2, decoupled: true }),
  lion: () => optim.lion({ lr: 0.02 }),
  'lion defaults': () => optim.lion(),
  'lion options': () => optim.lion({ lr: 0.01, betas: [0.8, 0.95], weightDecay: 0.3 }),
  adafactor: () => optim.adafactor({ lr: 0.03 }),
  'adafactor defaults': () => optim.adafactor(),
  'adafactor options': () =>
    optim.adafactor({ lr: 0.02, beta2Decay: -0.5, eps: [1e-2, 0.1], clipThreshold: 1.1, weightDecay: 0.2 }),
  'stepLR in sgd': () =>
    optim.sgd({ lr: optim.stepLR({ lr: 0.05, stepSize: 7, gamma: 0.3 }), momentum: 0.9 }),
  'cosineLR in adamW': () =>
    optim.adamW({ lr: optim.cosineLR({ lr: 0.1, steps: recorded.steps, min: 0.004 }) }),
  'reduceOnPlateau in sgd': () =>
    optim.sgd({
      lr: optim.reduceOnPlateau({ lr: 0.4, factor: 0.5, patience: 1, cooldown: 2 }),
      momentum: 0.8,
    }),
};

/** The problem of scripts/fixtures/optimizers.py. */
export class Problem extends nn.Module {
  weight: nn.Parameter;
  bias: nn.Parameter;
  readonly #terms: readonly [nn.Parameter, Tensor, Tensor][];

  constructor(dtype: DType) {
    super();
    const numbers = (shape: readonly number[], seed: number, low = -2, high = 2) =>
      Float64Array.from(
        hashUniform(
          shape.reduce((a, b) => a * b),
          seed,
          low,
          high,
        ),
      );
    const term = (shape: readonly number[], seed: number): [nn.Parameter, Tensor, Tensor] => {
      const parameter = new nn.Parameter(shape, { init: nn.init.zeros, dtype });
      parameter.storage.data.set(numbers(shape, seed));
      const constant = (values: Float64Array) => tensor(values, { shape }).to(dtype);
      return [parameter, constant(numbers(shape, seed + 1)), constant(numbers(shape, seed + 2, 0.5, 3))];
    };
    this.#terms = [term([2, 3], 1), term([2], 4)];
    [this.weight, this.bias] = this.#terms.map(([parameter]) => parameter) as [nn.Parameter, nn.Parameter];
  }

  /** The scale of the loss is its argument. */
  forward(scale: Tensor): Tensor {
    const losses = this.#terms.map(([parameter, target, curvature]) =>
      sum(curvature.mul(parameter.sub(target).square()).div(2).add(sin(parameter))),
    );
    return losses.reduce((total, loss) => total.add(loss)).mul(scale);
  }
}

import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { milestones } from './kinds.js';
import { type Schedule, scheduleOf } from './schedule.js';

// Schedules that are a formula of the step. Each is at least 0 at every step, including those after its end.

/** The same rate at every step. */
export const constantLR = checked(
  'constantLR',
  { lr: kinds.nonNegative },
  (lr: number): Schedule => scheduleOf('constantLR', { lr }, () => lr),
);

export interface StepLROptions {
  readonly lr: number;
  /** Number of steps between falls of the rate. */
  readonly stepSize: number;
  /** Factor of each fall. Default 0.1. */
  readonly gamma?: number;
}

const stepLROptions = optionsOf<StepLROptions>({
  lr: needed(kinds.nonNegative),
  stepSize: needed(kinds.count),
  gamma: kinds.nonNegative,
});

/** `lr * gamma ** floor(step / stepSize)`, as `torch.optim.lr_scheduler.StepLR`. */
export const stepLR = checked(
  'stepLR',
  { options: stepLROptions },
  ({ lr, stepSize, gamma = 0.1 }: StepLROptions): Schedule =>
    scheduleOf('stepLR', { lr, stepSize, gamma }, (step) => lr * gamma ** Math.floor(step / stepSize)),
);

export interface MultiStepLROptions {
  readonly lr: number;
  /** Steps at which the rate falls, in rising order. */
  readonly milestones: readonly number[];
  /** Factor of each fall. Default 0.1. */
  readonly gamma?: number;
}

const multiStepLROptions = optionsOf<MultiStepLROptions>({
  lr: needed(kinds.nonNegative),
  milestones: needed(milestones),
  gamma: kinds.nonNegative,
});

/** `lr * gamma ** (the number of milestones reached)`, as `torch.optim.lr_scheduler.MultiStepLR`. */
export const multiStepLR = checked(
  'multiStepLR',
  { options: multiStepLROptions },
  ({ lr, milestones, gamma = 0.1 }: MultiStepLROptions): Schedule => {
    const reached = (step: number) => milestones.filter((milestone) => step >= milestone).length;
    return scheduleOf(
      'multiStepLR',
      { lr, milestones: [...milestones], gamma },
      (step) => lr * gamma ** reached(step),
    );
  },
);

export interface ExponentialLROptions {
  readonly lr: number;
  /** Factor of the rate after every step. */
  readonly gamma: number;
}

const exponentialLROptions = optionsOf<ExponentialLROptions>({
  lr: needed(kinds.nonNegative),
  gamma: needed(kinds.nonNegative),
});

/** `lr * gamma ** step`, as `torch.optim.lr_scheduler.ExponentialLR`. */
export const exponentialLR = checked(
  'exponentialLR',
  { options: exponentialLROptions },
  ({ lr, gamma }: ExponentialLROptions): Schedule =>
    scheduleOf('exponentialLR', { lr, gamma }, (step) => lr * gamma ** step),
);

export interface PolynomialLROptions {
  readonly lr: number;
  /** Number of steps until the rate is 0, where it stays. */
  readonly steps: number;
  /** Exponent. Default 1, a straight line. */
  readonly power?: number;
}

const polynomialLROptions = optionsOf<PolynomialLROptions>({
  lr: needed(kinds.nonNegative),
  steps: needed(kinds.count),
  power: kinds.positive,
});

/** `lr * (1 - step / steps) ** power`, as `torch.optim.lr_scheduler.PolynomialLR`. */
export const polynomialLR = checked(
  'polynomialLR',
  { options: polynomialLROptions },
  ({ lr, steps, power = 1 }: PolynomialLROptions): Schedule =>
    scheduleOf(
      'polynomialLR',
      { lr, steps, power },
      (step) => lr * (1 - Math.min(step, steps) / steps) ** power,
    ),
);

export interface CosineLROptions {
  readonly lr: number;
  /** Number of steps from `lr` down to `min`, where the rate stays. */
  readonly steps: number;
  /** Lowest rate. Default 0. */
  readonly min?: number;
}

const cosineLROptions = optionsOf<CosineLROptions>({
  lr: needed(kinds.nonNegative),
  steps: needed(kinds.count),
  min: kinds.nonNegative,
});

/** Half a cosine from `lr` down to `min` (Loshchilov & Hutter 2017, without restarts). */
export const cosineLR = checked(
  'cosineLR',
  { options: cosineLROptions },
  ({ lr, steps, min = 0 }: CosineLROptions): Schedule =>
    scheduleOf('cosineLR', { lr, steps, min }, (step) => halfCosine(lr, min, Math.min(step, steps) / steps)),
);

export interface CosineRestartsLROptions {
  readonly lr: number;
  /** Number of steps of the first descent. */
  readonly steps: number;
  /** Ratio of the lengths of successive descents, a positive integer. Default 1. */
  readonly tMult?: number;
  /** Lowest rate. Default 0. */
  readonly min?: number;
}

const cosineRestartsLROptions = optionsOf<CosineRestartsLROptions>({
  lr: needed(kinds.nonNegative),
  steps: needed(kinds.count),
  tMult: kinds.count,
  min: kinds.nonNegative,
});

/**
 * Repeated half cosines from `lr` down to `min` (SGDR, Loshchilov & Hutter 2017), as
 * `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.
 */
export const cosineRestartsLR = checked(
  'cosineRestartsLR',
  { options: cosineRestartsLROptions },
  ({ lr, steps, tMult = 1, min = 0 }: CosineRestartsLROptions): Schedule =>
    scheduleOf('cosineRestartsLR', { lr, steps, tMult, min }, (step) => {
      if (tMult === 1) return halfCosine(lr, min, (step % steps) / steps);
      let [start, length] = [0, steps];
      while (step >= start + length) {
        start += length;
        length *= tMult;
      }
      return halfCosine(lr, min, (step - start) / length);
    }),
);

/** Interpolates from `start` at 0 to `end` at 1 along half a cosine. */
export function halfCosine(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}

import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { invalid, requireInteger } from '../graph/errors.js';
import { requireRate, type Schedule } from './schedule.js';

// Schedules that are a formula of the step. Each is at least 0 at every step, including those after its end.

/** The same rate at every step. */
export function constantLR(lr: number): Schedule {
  requireRate('constantLR', lr);
  return () => lr;
}

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
    (step) =>
      lr * gamma ** Math.floor(step / stepSize),
);

export interface MultiStepLROptions {
  readonly lr: number;
  /** Steps at which the rate falls, in rising order. */
  readonly milestones: readonly number[];
  /** Factor of each fall. Default 0.1. */
  readonly gamma?: number;
}

/** `lr * gamma ** (the number of milestones reached)`, as `torch.optim.lr_scheduler.MultiStepLR`. */
export function multiStepLR({ lr, milestones, gamma = 0.1 }: MultiStepLROptions): Schedule {
  requireRate('multiStepLR', lr);
  requireMilestones('multiStepLR', milestones);
  requireGamma('multiStepLR', gamma);
  return (step) => lr * gamma ** milestones.filter((milestone) => step >= milestone).length;
}

export interface ExponentialLROptions {
  readonly lr: number;
  /** Factor of the rate after every step. */
  readonly gamma: number;
}

/** `lr * gamma ** step`, as `torch.optim.lr_scheduler.ExponentialLR`. */
export function exponentialLR({ lr, gamma }: ExponentialLROptions): Schedule {
  requireRate('exponentialLR', lr);
  requireGamma('exponentialLR', gamma);
  return (step) => lr * gamma ** step;
}

export interface PolynomialLROptions {
  readonly lr: number;
  /** Number of steps until the rate is 0, where it stays. */
  readonly steps: number;
  /** Exponent. Default 1, a straight line. */
  readonly power?: number;
}

/** `lr * (1 - step / steps) ** power`, as `torch.optim.lr_scheduler.PolynomialLR`. */
export function polynomialLR({ lr, steps, power = 1 }: PolynomialLROptions): Schedule {
  requireRate('polynomialLR', lr);
  requireInteger('polynomialLR', 'steps', steps, { min: 1 });
  if (!(Number.isFinite(power) && power > 0)) throw invalid('polynomialLR', 'power must be positive', power);
  return (step) => lr * (1 - Math.min(step, steps) / steps) ** power;
}

export interface CosineLROptions {
  readonly lr: number;
  /** Number of steps from `lr` down to `min`, where the rate stays. */
  readonly steps: number;
  /** Lowest rate. Default 0. */
  readonly min?: number;
}

/** Half a cosine from `lr` down to `min` (Loshchilov & Hutter 2017, without restarts). */
export function cosineLR({ lr, steps, min = 0 }: CosineLROptions): Schedule {
  requireRate('cosineLR', lr);
  requireInteger('cosineLR', 'steps', steps, { min: 1 });
  requireRate('cosineLR', min, 'min');
  return (step) => halfCosine(lr, min, Math.min(step, steps) / steps);
}

export interface CosineRestartsLROptions {
  readonly lr: number;
  /** Number of steps of the first descent. */
  readonly steps: number;
  /** Ratio of the lengths of successive descents, a positive integer. Default 1. */
  readonly tMult?: number;
  /** Lowest rate. Default 0. */
  readonly min?: number;
}

/**
 * Repeated half cosines from `lr` down to `min` (SGDR, Loshchilov & Hutter 2017), as
 * `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`.
 */
export function cosineRestartsLR({ lr, steps, tMult = 1, min = 0 }: CosineRestartsLROptions): Schedule {
  requireRate('cosineRestartsLR', lr);
  requireInteger('cosineRestartsLR', 'steps', steps, { min: 1 });
  requireInteger('cosineRestartsLR', 'tMult', tMult, { min: 1 });
  requireRate('cosineRestartsLR', min, 'min');
  return (step) => {
    if (tMult === 1) return halfCosine(lr, min, (step % steps) / steps);
    let [start, length] = [0, steps];
    while (step >= start + length) {
      start += length;
      length *= tMult;
    }
    return halfCosine(lr, min, (step - start) / length);
  };
}

/** Interpolates from `start` at 0 to `end` at 1 along half a cosine. */
export function halfCosine(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}

/** Checks that milestones are non-negative integers in rising order. */
export function requireMilestones(op: string, milestones: readonly number[]): void {
  const rising = (at: number, i: number) =>
    Number.isSafeInteger(at) && at > (i === 0 ? -1 : (milestones[i - 1] as number));
  if (Array.isArray(milestones) && milestones.every(rising)) return;
  throw invalid(op, 'milestones must be non-negative integers in rising order', milestones);
}

function requireGamma(op: string, gamma: number): void {
  if (!(Number.isFinite(gamma) && gamma >= 0)) throw invalid(op, 'gamma must not be negative', gamma);
}

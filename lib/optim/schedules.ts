import { invalid, requireInteger } from '../graph/errors.js';

/** The learning rate at a step; the first step is 0. */
export type Schedule = (step: number) => number;

/** The same rate at every step. */
export function constantLR(lr: number): Schedule {
  requireRate('constantLR', lr);
  return () => lr;
}

export interface StepLROptions {
  readonly lr: number;
  /** Steps after which the rate falls. */
  readonly stepSize: number;
  /** What it is multiplied with then. Default 0.1. */
  readonly gamma?: number;
}

/** `lr * gamma ** floor(step / stepSize)`. */
export function stepLR({ lr, stepSize, gamma = 0.1 }: StepLROptions): Schedule {
  requireRate('stepLR', lr);
  requireInteger('stepLR', 'stepSize', stepSize, { min: 1 });
  return (step) => lr * gamma ** Math.floor(step / stepSize);
}

export interface CosineLROptions {
  readonly lr: number;
  /** Steps from `lr` down to `min`; the rate stays there afterwards. */
  readonly steps: number;
  /** Default 0. */
  readonly min?: number;
}

/** Half a cosine from `lr` down to `min` (Loshchilov & Hutter 2017, without restarts). */
export function cosineLR({ lr, steps, min = 0 }: CosineLROptions): Schedule {
  requireRate('cosineLR', lr);
  requireInteger('cosineLR', 'steps', steps, { min: 1 });
  return (step) => min + ((lr - min) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
}

/** A schedule from a number or a function of the step. */
export function toSchedule(op: string, lr: number | Schedule): Schedule {
  if (typeof lr === 'function') return lr;
  requireRate(op, lr);
  return () => lr;
}

function requireRate(op: string, lr: number): void {
  if (!(Number.isFinite(lr) && lr >= 0))
    throw invalid(op, 'lr must be a non-negative number or a function', lr);
}

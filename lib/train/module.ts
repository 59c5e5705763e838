import type { Dataset } from '../data/index.js';
import type { Loss, Metric, Module } from '../nn/index.js';
import type { Optimizer } from '../optim/index.js';

/** What is known of a run before its optimiser is made. */
export interface RunSize {
  /** Steps of the whole run, as schedules want to know (divided by `accumulate`, where that is more than 1). */
  readonly steps: number;
  readonly epochs: number;
  readonly batchSize: number;
}

/**
 * What a file exports by default to be trained with `chainrule train <file>`. The command's options override the
 * numbers.
 */
export interface TrainingModule {
  model(): Module;
  readonly loss: Loss;
  optimizer(size: RunSize): Optimizer;
  /** The samples to train on, and if there are any, those to test on. */
  data(): Promise<{ train: Dataset; test?: Dataset }>;
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Default 1. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Default 0. */
  readonly seed?: number;
}

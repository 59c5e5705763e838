import type { Dataset } from '../data/index.js';
import type { Loss, Metric, Module } from '../nn/index.js';
import type { Optimizer } from '../optim/index.js';

/** Size of a run, known before its optimiser is created. */
export interface RunSize {
  /** Steps of the whole run. Schedules count updates: divide by `accumulate` if it is more than 1. */
  readonly steps: number;
  readonly epochs: number;
  readonly batchSize: number;
}

/**
 * Default export of a file to be trained with `chainrule train <file>`. Options of the command override its numbers.
 */
export interface TrainingModule {
  model(): Module;
  readonly loss: Loss;
  optimizer(size: RunSize): Optimizer;
  /** Training samples and, optionally, test samples. */
  data(): Promise<{ train: Dataset; test?: Dataset }>;
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Default 1. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Default 0. */
  readonly seed?: number;
}

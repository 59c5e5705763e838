import type { AnyDataset, AnyStream } from '../data/index.js';
import { dataset, datasetOrStream } from '../data/kinds.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, type OptionKinds, type Options, optionsOf } from '../graph/arguments/options.js';
import type { AnyModule, Module } from '../nn/index.js';
import type { Optimizer } from '../optim/index.js';
import { type Callback, callbackList } from './callbacks/callback.js';
import {
  type AnyTrainerOptions,
  type OutputOf,
  type TargetsLike,
  type TrainerOptions,
  trainerOptions,
} from './options.js';

/** Size of a run, known before its optimiser is created. */
export interface RunSize {
  /**
   * Steps of the whole run. Schedules count updates: divide by `accumulate` if it is more than 1. To read it is an error
   * for a stream of unknown length.
   */
  readonly steps: number;
  readonly epochs: number;
  readonly batchSize: number;
}

/** Training samples and, optionally, test samples. */
export interface TrainingData {
  readonly train: AnyDataset | AnyStream;
  readonly test?: AnyDataset;
}

type TrainingSamples = TrainingData | AnyDataset | AnyStream;

export const trainingData: Options<TrainingData> = optionsOf<TrainingData>({
  train: needed(datasetOrStream),
  test: dataset,
});

/**
 * Default export of a file to be trained with `chainrule train <file>`. Options of the command override its numbers.
 */
export interface TrainingModule<
  M extends AnyModule = Module,
  Targets extends object = TargetsLike<OutputOf<M>>,
> extends Pick<TrainerOptions<OutputOf<M>, Targets>, 'loss' | 'lossWeights' | 'metrics' | 'extraModules'> {
  model(): M;
  optimizer(size: RunSize): Optimizer;
  /** Samples alone are those to train on. */
  data(): TrainingSamples | Promise<TrainingSamples>;
  /** Objects that act during training: see `FitOptions.callbacks`. */
  readonly callbacks?: readonly Callback[];
  /** Default 1. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** True to leave out the samples that do not fill the last batch of an epoch. Default false. */
  readonly dropLast?: boolean;
  /** Default 0. */
  readonly seed?: number;
}

/** A training module for any model. */
export interface AnyTrainingModule
  extends Omit<TrainingModule, 'model' | 'loss' | 'lossWeights' | 'metrics'>,
    Pick<AnyTrainerOptions, 'loss' | 'lossWeights' | 'metrics'> {
  model(): AnyModule;
}

/** The kinds of a module's keys. */
export const trainingModuleKinds: OptionKinds<AnyTrainingModule> = {
  model: needed(kinds.callback<AnyTrainingModule['model']>('a function that makes the model')),
  loss: trainerOptions.kinds.loss,
  optimizer: needed(kinds.callback<TrainingModule['optimizer']>('a function that makes the optimiser')),
  data: needed(kinds.callback<TrainingModule['data']>('a function that gives { train, test }')),
  lossWeights: trainerOptions.kinds.lossWeights,
  metrics: trainerOptions.kinds.metrics,
  extraModules: trainerOptions.kinds.extraModules,
  callbacks: callbackList,
  epochs: kinds.count,
  batchSize: kinds.count,
  dropLast: kinds.boolean,
  seed: kinds.index,
};

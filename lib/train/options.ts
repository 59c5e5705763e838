import { type CheckpointOptions, checkpointOptions } from '../checkpoint/options.js';
import type { AnyDataset } from '../data/index.js';
import { dataset } from '../data/kinds.js';
import { either, type Kind, kind, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, type OptionKinds, optionsOf } from '../graph/arguments/options.js';
import type { StructureLike } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';
import type { Signal } from '../graph/web-types.js';
import { type HealthThresholds, healthThresholds } from '../health/findings.js';
import type {
  AnyModule,
  ColumnFigure,
  ColumnFigureDefinition,
  Figure,
  FigureColumns,
  FigureDefinition,
  FigureState,
  Loss,
  Losses,
  LossWeights,
  Metric,
  Sums,
} from '../nn/index.js';
import { moduleOfAnyKind } from '../nn/kinds.js';
import { losses, lossWeights } from '../nn/losses/batch-loss.js';
import type { Optimizer } from '../optim/index.js';
import { optimizer } from '../optim/optimizer.js';
import { parallelismKinds } from '../parallel/prepare/parallelism.js';
import { type MemorySize, memorySize } from '../runtime/memory-size.js';
import { type Callback, callbackList } from './callbacks/callback.js';

export type { EpochRecord, Figures } from '../checkpoint/state.js';
export type { EpochResult } from './epoch-result.js';

/** The output of a model. */
export type OutputOf<M extends AnyModule> = ReturnType<M['forward']>;

/** Targets of the form of a model's output. */
export type TargetsLike<Output> = StructureLike<Output, Tensor, Tensor>;

/** A loss, or for a model of several outputs one for some of them. */
export type LossFor<Output extends object, Targets extends object> =
  | Loss<Tensor | Sums, Output, Targets>
  | (Output extends Tensor ? never : { readonly [K in keyof Output]?: Loss<Tensor | Sums> });

/** A figure to report, or for a model of several outputs those of one of them. */
export type MetricFor<Output extends object, Targets extends object> =
  | FunctionOrFigure<Output, Targets>
  | (Output extends Tensor ? never : Readonly<Record<string, FunctionOrFigure<Tensor, Tensor>>>);

/** A figure to report: a function of a batch, or a figure with a state or with columns. */
type FunctionOrFigure<Output extends object, Targets extends object> =
  | Metric<Tensor | Sums, Output, Targets>
  | Figure<FigureState, Output, Targets>
  | FigureDefinition<FigureState, Output, Targets>
  | ColumnFigure<FigureColumns, Output, Targets>
  | ColumnFigureDefinition<FigureColumns, Output, Targets>;

/**
 * Options of a trainer.
 *
 * @typeParam Output of the model
 * @typeParam Targets of the data, by default of the form of the output
 */
export interface TrainerOptions<Output extends object = Tensor, Targets extends object = TargetsLike<Output>>
  extends CommonOptions {
  /**
   * What is minimised: a loss of `nn`, or a function of output and target (see `nn.Loss`). For a model of several outputs,
   * a function of all of them, or a record of losses by output, of which each gets the output and the target of its name:
   * their sum is minimised, and each is reported as a figure, such as `rating.loss`.
   */
  readonly loss: LossFor<Output, Targets>;
  /** Factors of the losses of a record in their sum. Default: 1 for each. */
  readonly lossWeights?: Output extends Tensor ? never : { readonly [K in keyof Output]?: number };
  /**
   * Figures to report besides the loss, by name: those of `metrics`, such as `metrics.f1({ average: 'macro' })`; functions
   * of output and target that return a scalar, which counts as the mean of its rows, or `{ sum, weight }`; or figures of
   * `nn.figure`. Default: those that suit the loss, such as accuracy for cross-entropy. Of several outputs,
   * `{ rating: { mae: metrics.meanAbsoluteError() } }` reports `rating.mae`. A metric that takes weights as its third
   * parameter gets those of the data set, if it has some. See docs/figures.md.
   */
  readonly metrics?: Readonly<Record<string, MetricFor<Output, Targets>>>;
}

/** Options that do not depend on the outputs of the model. */
interface CommonOptions {
  readonly optimizer: Optimizer;
  /**
   * Number of threads. 'auto', the default, takes one per usable core of the process, but no more than there are shards,
   * and a single one if each would have less than a million operations, which is quicker than sharing the work.
   */
  readonly workers?: number | 'auto';
  /**
   * Number of parts that each batch is cut into, 1 to 1024. Their gradients are added in a fixed order, so that the
   * weights after a number of steps depend, to the bit, on the seed and the number of shards, but not on the number of
   * workers. Default: chosen by the rows and operations of a batch alone, so that it is the same on every machine: 1 for
   * small models, 16 and more for large ones. See docs/parallel.md.
   */
  readonly shards?: number;
  /**
   * Memory budget of training: bytes, a string such as '512MB' or '1.5GB', or 'auto' for half of the memory that the
   * process may still use. It covers parameters, gradients, the optimiser's state and everything that the workers take,
   * but neither the data set nor Node itself. To fit, activations are recomputed, with as few operations as possible,
   * and with `workers: 'auto'` fewer workers may be used; the weights have the same bits. A budget that cannot be met
   * is refused before anything is trained. See docs/memory.md. Default: no limit, and the quickest plans.
   */
  readonly memory?: MemorySize;
  /**
   * Memory for the plans of `predict` for different shapes, as in `compile`: beyond it, those that were used least recently
   * are freed. Default: as there.
   */
  readonly planCache?: MemorySize;
  /**
   * Niceness of the workers, 0 to 19 (see `man nice`): by how much they yield to other threads, the main one included.
   * With 10, a service that trains answers nearly as fast as one that does not, as a request gets its core at once; on
   * idle cores, training is as fast as with 0. Linux only; elsewhere it has no effect, and where the
   * system refuses it there is a warning. Default 0.
   */
  readonly nice?: number;
  /** Receives lines that tell what was chosen, and why. Default: stderr if NODE_DEBUG names `chainrule`. */
  readonly log?: (line: string) => void;
  /** Seed of the initial values, the order of the samples and dropout. Default 0. */
  readonly seed?: number;
  /**
   * Modules outside of the model that are trained with it, such as a loss with parameters: their parameters and buffers
   * are initialised, updated, counted and saved in checkpoints as `extraModules.0.weight`, and their modes are set as
   * those of parts of the model.
   *
   *     const centres = new CenterLoss(10, 64);
   *     const loss = (output, target) => centres.forward(output, target);
   *     new Trainer(model, { loss, optimizer, extraModules: [centres] });
   */
  readonly extraModules?: readonly AnyModule[];
}

/** The options of a trainer of any model. */
export interface AnyTrainerOptions extends CommonOptions {
  readonly loss: Losses;
  readonly lossWeights?: LossWeights;
  readonly metrics?: unknown;
}

export const trainerOptions = optionsOf<AnyTrainerOptions>({
  loss: needed(losses),
  optimizer: needed(optimizer),
  ...parallelismKinds,
  memory: memorySize,
  planCache: memorySize,
  log: kinds.callback<(line: string) => void>(),
  seed: kinds.index,
  extraModules: listOf(moduleOfAnyKind, 'modules'),
  // Checked by `requireMetrics`, with hints for those who know metrics by names or as lists.
  metrics: kinds.anything('functions and figures by name'),
  lossWeights,
});

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Samples per step. Default 32. */
  readonly batchSize?: number;
  /**
   * True to leave out the last samples of each epoch that do not fill a batch: others in each epoch if they are shuffled.
   * Batch norm needs it where the last batch has one value per channel. `validation` takes all samples.
   * Default false.
   */
  readonly dropLast?: boolean;
  /** Evaluated after each epoch, with the moving averages of the parameters if the optimiser keeps them. */
  readonly validation?: AnyDataset;
  /** True to take the samples in a new order in each epoch. Default true. */
  readonly shuffle?: boolean;
  /**
   * True to add a health report to each epoch's result: gradients, activations and updates on the first batch of the
   * unshuffled data (see `Trainer.inspect`). Thresholds of the findings may be given instead of `true`. Default false.
   */
  readonly health?: boolean | Partial<HealthThresholds>;
  /**
   * Reaction to a step whose loss, gradients or next buffers are not finite, which is known before anything is updated.
   * 'stop' rejects with the op and the layer that first made such a value; the parameters are those of the step before.
   * 'skip' leaves parameters, state and buffers as they are and counts the step in `skippedSteps`; neither the
   * optimiser's rule nor its schedule counts it. With gradient accumulation, a skipped step adds neither gradients nor
   * weight, and an update whose steps are all skipped is not made. The epoch's loss leaves skipped steps out, and is NaN if
   * all were skipped. If the parameters themselves are not finite, both reject. See docs/numerics.md. Default 'stop'.
   */
  readonly nonFinite?: 'stop' | 'skip';
  /**
   * Number of times that the workers may be restarted when one fails, runs out of memory, is terminated or is stuck;
   * training then resumes with the same bits. Default 0.
   */
  readonly restartWorkers?: number;
  /**
   * Milliseconds that a step may take before its worker counts as stuck. Its kernels are then aborted, and the parameters
   * are those of the last whole step. Default 600,000 (ten minutes).
   */
  readonly stepTimeout?: number;
  /**
   * Saves the run, and resumes the one that the directory holds, in the middle of an epoch if need be, to the same
   * weights as an uninterrupted run. `epochs` then counts from the start of that run, and the remaining ones are
   * yielded. See docs/checkpoints.md.
   */
  readonly checkpoint?: CheckpointOptions;
  /** Ends training within one step. With `checkpoint`, the run is saved then. */
  readonly signal?: Signal;
  /**
   * Objects that act during training, such as `callbacks.earlyStopping()`, in the order of the list. Checkpoints carry their
   * states. See docs/callbacks.md.
   */
  readonly callbacks?: readonly Callback[];
  /** Called about ten times a second while an epoch runs. */
  readonly onProgress?: (progress: Progress) => void;
}

/** A signal, which may be one of a package that stands in for Node's. */
const signal: Kind<Signal> = kind('an AbortSignal', (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, throwIfAborted } = value as Partial<Record<keyof Signal, unknown>>;
  return (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof throwIfAborted === 'function'
  );
});

/** The kinds of `FitOptions`. */
export const fitKinds: OptionKinds<FitOptions> = {
  epochs: kinds.count,
  batchSize: kinds.count,
  dropLast: kinds.boolean,
  validation: dataset,
  shuffle: kinds.boolean,
  health: either(kinds.boolean, healthThresholds),
  nonFinite: kinds.oneOf('stop', 'skip'),
  restartWorkers: kinds.index,
  // Infinity for a step that may take any time.
  stepTimeout: kind('a positive number', (value) => typeof value === 'number' && value > 0),
  checkpoint: checkpointOptions,
  signal,
  callbacks: callbackList,
  onProgress: kinds.callback<(progress: Progress) => void>(),
};

export const fitOptions = optionsOf<FitOptions>(fitKinds);

/** Options of `Trainer.evaluate`. */
export type EvaluateOptions = Pick<FitOptions, 'batchSize' | 'signal'>;

export const evaluateOptions = optionsOf<EvaluateOptions>({ batchSize: kinds.count, signal });

/** Options of `Trainer.inspect`; those of `fit` may be given as well, so that one object serves both. */
export interface InspectionOptions {
  /** Number of samples to inspect, from the first on. Default 32. */
  readonly batchSize?: number;
  /** Thresholds of the findings; the others have their defaults. */
  readonly thresholds?: Partial<HealthThresholds>;
}

export const inspectionOptions = optionsOf<FitOptions & InspectionOptions>({
  ...fitKinds,
  thresholds: healthThresholds,
});

export interface ProfileOptions {
  /** Training steps to time, after a few that are not. Default 10. */
  readonly steps?: number;
  /** Samples per step. Default 32. */
  readonly batchSize?: number;
  /** Ends the profile within one step. */
  readonly signal?: Signal;
}

export const profileOptions = optionsOf<ProfileOptions>({
  steps: kinds.count,
  batchSize: kinds.count,
  signal,
});

/** Progress within an epoch. */
export interface Progress {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Steps done in this epoch. */
  readonly step: number;
  /** Steps of the whole epoch; NaN for a stream of unknown length. */
  readonly steps: number;
  /** Samples seen in this epoch. */
  readonly examples: number;
  readonly examplesPerSecond: number;
  /** The mean loss of the epoch's steps so far. */
  readonly loss: number;
  /** Seconds until the epoch ends, at this pace; NaN if unknown. */
  readonly eta: number;
}

import type { CheckpointOptions } from '../checkpoint/options.js';
import type { EpochRecord } from '../checkpoint/state.js';
import type { Dataset } from '../data/index.js';
import type { HealthThresholds } from '../health/findings.js';
import type { HealthReport } from '../health/report.js';
import type { Loss, Metric } from '../nn/index.js';
import type { Optimizer } from '../optim/index.js';
import type { MemorySize } from '../runtime/memory-size.js';

export type { EpochRecord, Figures } from '../checkpoint/state.js';

export interface TrainerOptions {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /**
   * Threads. 'auto', the default, takes as many as the process has usable cores, and to train one alone where a shard has
   * less than a million operations, which is quicker than sharing them out.
   */
  readonly workers?: number | 'auto';
  /**
   * Parts that each batch is cut into, 1 to 1024. Their gradients are added in a fixed order, so that the weights after a
   * number of steps depend on the seed and the number of shards, to the bit, and not on the number of workers. Memory for
   * gradients grows with the logarithm of it. Default: one for each worker, which is fastest.
   */
  readonly shards?: number;
  /**
   * The most that training may take: bytes, a text such as '512MB' or '1.5GB', or 'auto' for half of what the process may still
   * use. It covers parameters, gradients, the optimiser's state, and all that the workers take; neither the data set nor Node
   * itself. Activations are given up and computed again, as few operations as possible, until it fits, and with `workers:
   * 'auto'`, fewer workers may be taken; the weights have the same bits. What cannot be met is refused before anything is
   * trained. See docs/memory.md. Default: as much as is quickest.
   */
  readonly memory?: MemorySize;
  /**
   * By how much the workers stand back for other threads, the main one included, 0 to 19 (see `man nice`). With 10, a service that trains answers
   * nearly as fast as one that does not, as a request takes its core at once; where nobody else wants the cores, training is
   * as fast as with 0. Linux only; elsewhere it has no effect. Default 0.
   */
  readonly nice?: number;
  /** Gets lines that tell what was chosen, and why. Default: stderr where NODE_DEBUG names `chainrule`. */
  readonly log?: (line: string) => void;
  /** Decides the first values, the order of the samples and dropout. Default 0. */
  readonly seed?: number;
  /** Figures to report besides the loss; by default those that suit the loss, as accuracy suits cross-entropy. */
  readonly metrics?: Readonly<Record<string, Metric>>;
}

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Samples per step. Default 32. */
  readonly batchSize?: number;
  /** Evaluated after each epoch; with the moving averages of the parameters, where the optimiser keeps them. */
  readonly validation?: Dataset;
  /** Whether each epoch takes the samples in a new order. Default true. */
  readonly shuffle?: boolean;
  /**
   * Whether each epoch's result tells how the model then is: its gradients, activations and updates, on the first batch
   * of the data as it stands (see `Trainer.inspect`). Thresholds of the findings may be given instead of `true`. Default
   * false.
   */
  readonly health?: boolean | Partial<HealthThresholds>;
  /**
   * What happens at a step whose loss is not finite: 'stop' rejects with the op and the layer that first made such a value;
   * 'skip' leaves parameters, state and buffers as they are and counts the step in `skippedSteps`; schedules go on. Where
   * steps are accumulated, one that is skipped adds nothing, and an update whose steps are all skipped is not made. The
   * epoch's loss leaves such steps out, and is NaN when all were skipped. Default 'stop'.
   */
  readonly nonFinite?: 'stop' | 'skip';
  /**
   * How often the workers are started anew when one fails, runs out of memory, is terminated or is stuck; training then
   * goes on with the same bits. Default 0.
   */
  readonly restartWorkers?: number;
  /** Milliseconds that a step may take before its worker counts as stuck. Default 600,000 (ten minutes). */
  readonly stepTimeout?: number;
  /**
   * Saves the run, and goes on with the one that the directory holds, in the middle of an epoch if need be, to the same
   * weights as a run that nothing disturbed. `epochs` then counts from the start of that run; those that are left are
   * yielded. See docs/checkpoints.md.
   */
  readonly checkpoint?: CheckpointOptions;
  /** Ends training within one step. With `checkpoint`, the run is saved then. */
  readonly signal?: AbortSignal;
  /** Called about ten times a second while an epoch runs. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface InspectionOptions {
  /** Samples to look at, from the first on. Default 32. */
  readonly batchSize?: number;
  /** Where findings begin. */
  readonly thresholds?: Partial<HealthThresholds>;
}

export interface ProfileOptions {
  /** Training steps to time, after a few that are not. Default 10. */
  readonly steps?: number;
  /** Samples per step. Default 32. */
  readonly batchSize?: number;
  /** Ends the profile within one step. */
  readonly signal?: AbortSignal;
}

/** Where an epoch is. */
export interface Progress {
  /** From 1. */
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
  /** Seconds until the epoch ends, at this pace; NaN where that is not known. */
  readonly eta: number;
}

/** The figures of an epoch, and what the history does not keep. */
export interface EpochResult extends EpochRecord {
  /** The loss of every step; NaN for one that was skipped. */
  readonly stepLosses: Float64Array;
  /** Where `health` was asked for. */
  readonly health?: HealthReport;
}

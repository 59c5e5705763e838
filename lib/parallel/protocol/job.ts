import type { Plan } from '../../compile/plan/plan.js';
import type { SampleSource } from '../../data/sample-loader.js';
import type { DType } from '../../graph/dtype.js';

/** A stretch of shared memory with one dtype, which begins at a cache line. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly elements: number;
  readonly dtype: DType;
}

/** Where a worker finds the memory of a plan's binding. */
export type Source =
  /** At a place that all workers see. */
  | { readonly kind: 'shared'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  /** At a place in the slot for the gradients of the shard that is worked on. */
  | { readonly kind: 'gradient'; readonly byteOffset: number }
  /** In the worker's own memory; plans that use the same name and size share it. */
  | { readonly kind: 'local'; readonly name: string }
  /** In the plan itself. */
  | { readonly kind: 'constant' };

/** A plan and the source of each of its bindings. */
export interface BoundPlan {
  readonly plan: Plan;
  readonly sources: readonly Source[];
}

/** Samples, and the plans for the numbers of rows that shards of them can have. */
export interface ShardedData {
  readonly samples: SampleSource;
  /** How many samples were left out, because they could not be loaded: one int32. */
  readonly skipped: SharedArrayBuffer;
  readonly length: number;
  readonly batchSize: number;
  readonly plans: ReadonlyMap<number, BoundPlan>;
}

/** The sum of the gradients of all shards of a batch, and the update of the parameters by it. */
export interface UpdateJob {
  /** The slots for gradients: as many as any number of workers that may be at work needs. */
  readonly gradients: readonly SharedMemory[];
  /** As many as there are workers; null where no parameters are left for one. */
  readonly updates: readonly (UpdateShare | null)[];
  /** How far each share is: see `ShareProgress`. */
  readonly marks: SharedArrayBuffer;
  /** Steps that make one update; from 2 on, their gradients are added up in `sum`. */
  readonly accumulate: number;
  readonly sum?: SharedMemory;
  /** The sum of the slots that updates can make themselves: that of a whole batch on all workers. */
  readonly directProgram?: Int32Array;
  /** Where the norm of all gradients is clipped: to what, and the sums of squares that it is made of. */
  readonly clip?: { readonly norm: number; readonly squares: SharedMemory };
  /** The flat memory of the parameters, and behind them the buffers. */
  readonly memory: SharedMemory;
  /** The buffers that `forward` assigns: their places in the flat memory and in the gradients. */
  readonly assigned: readonly Slice[];
  /** The optimiser's numbers for each step of the epoch, in float64. */
  readonly scalars: SharedArrayBuffer;
  readonly scalarCount: number;
}

/** What training adds to the data: its steps, where losses go, and the update. */
export interface TrainingJob extends ShardedData, UpdateJob {
  readonly shuffle: boolean;
  /** Parts that each batch is cut into, whose gradients are added in a fixed order (see `planReduction`). */
  readonly shards: number;
  /** The loss of each shard of the step under way. */
  readonly shardLosses: SharedArrayBuffer;
  /** The loss of each step of the epoch; NaN for a step that was skipped. */
  readonly losses: SharedArrayBuffer;
  /** Whether a step whose loss is not finite ends training or changes nothing. */
  readonly nonFinite: 'stop' | 'skip';
  /** The cores that all trainings of the process share; left out where this one takes all of its workers in any case. */
  readonly cores?: number;
  /** Shards of one worker that run together at most, each in an arena of its own. Default: as many as the addon takes. */
  readonly together?: number;
  /** Copies that the workers make where a checkpoint is to be saved. */
  readonly snapshot?: Snapshot;
}

/** What a checkpoint is saved from. */
export interface Snapshot {
  readonly copies: readonly { readonly from: SharedMemory; readonly to: SharedMemory }[];
  /** Steps (of all, not of the epoch) between two; left out where only the main thread asks for one. */
  readonly everySteps?: number;
}

/** A stretch of the flat memory from `start` to `end` (not included), counted in elements. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** One worker's share of the update of all parameters: those in a stretch of the flat memory. */
export interface UpdateShare extends Slice {
  readonly update: BoundPlan;
  /** The same from the slots themselves, which it adds up as it goes, where `directProgram` is the sum. */
  readonly direct?: BoundPlan;
  /** The sums of the squares of its gradients, a number for each piece of the stretch, where their norm is clipped. */
  readonly squares?: BoundPlan;
}

/** What evaluation adds to the data: the figures of each batch, a row for each. */
export interface EvaluationJob extends ShardedData {
  readonly figures: readonly string[];
  readonly values: SharedArrayBuffer;
}

/** Tensors whose rows are those of a batch, in memory that all workers see. */
export interface BatchRows {
  readonly memory: SharedMemory;
  /** Elements of one row. */
  readonly rowSize: number;
}

/** A function of a batch that was traced for the shards of it (see `dataParallel`). */
export interface StepJob extends UpdateJob {
  readonly rows: number;
  /** See `TrainingJob`. */
  readonly shards: number;
  /** The plans for the numbers of rows that shards can have. */
  readonly plans: ReadonlyMap<number, BoundPlan>;
  /** Arguments, and results that have rows, by the names under which the plans know them. */
  readonly batches: Readonly<Record<string, BatchRows>>;
  /** The results that are scalars. */
  readonly figures: readonly string[];
  /** The shares of each shard in these, a row for each shard, in float64. */
  readonly shares: SharedArrayBuffer;
}

/** All that workers need to know. Plain data and shared memory. */
export interface Job {
  readonly workers: number;
  readonly seed: number;
  /** By how much the threads stand back; see `TrainerOptions`. */
  readonly nice?: number | undefined;
  /** See `control.ts`. */
  readonly control: SharedArrayBuffer;
  readonly training?: TrainingJob;
  readonly evaluation?: EvaluationJob;
}

/** A run of steps of an epoch, with the samples that they take. */
export interface EpochStretch {
  /** Its first step in the epoch. */
  readonly firstStep: number;
  /** Its first sample in the memory of the data. */
  readonly start: number;
  readonly count: number;
  /** The number of that sample in the epoch. */
  readonly firstItem: number;
  /** Samples of the whole epoch, where that is known. */
  readonly expected?: number;
}

/** Where an epoch begins, or goes on. */
export interface EpochStart {
  readonly epoch: number;
  /** Steps of all epochs before. */
  readonly firstStep: number;
  /** The step of the epoch to begin with. Default 0. */
  readonly startStep?: number;
  /** The part of the epoch to train, where its samples arrive in parts. */
  readonly part?: EpochStretch;
  /** Plans for numbers of rows that only this part has. */
  readonly plans?: ReadonlyMap<number, BoundPlan>;
  /** Whether the gradients of that step are there, and perhaps a part of its update is made, because workers failed in it. */
  readonly finish?: boolean;
}

/** What one worker is asked to do in one task of the pool. */
export type Task =
  | ({ readonly kind: 'train'; readonly rank: number } & EpochStart)
  /** Training that writes down what takes how long; times count from `origin`, of the clock that threads share. */
  | ({ readonly kind: 'profile'; readonly rank: number; readonly origin: number } & EpochStart)
  | { readonly kind: 'evaluate'; readonly rank: number }
  | ({ readonly kind: 'step'; readonly rank: number } & StepCall);

/** One call of a data-parallel function. */
export interface StepCall {
  /** Which of the functions that the threads know. */
  readonly id: number;
  /** What that one is, the first time. */
  readonly definition?: StepJob | undefined;
  /** Functions that will not be called again. */
  readonly forget: readonly number[];
  /** What random numbers are drawn for. */
  readonly step: number;
  /** The steps that the optimiser has taken before. */
  readonly optimizerStep: number;
  /** Whether all gradients are there, and perhaps a part of the update is made, because a worker failed in it. */
  readonly finish?: boolean;
}

import type { Plan } from '../../compile/plan/plan.js';
import type { SampleSource } from '../../data/sample-loader.js';
import type { DType } from '../../graph/dtype.js';
import type { Origin } from '../../graph/origin.js';
import type { Shape } from '../../graph/shapes.js';
import type { FigureKind } from '../../nn/losses/sums.js';

/** Shared memory of one dtype, aligned to a cache line. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly elements: number;
  readonly dtype: DType;
}

/** Source of the memory of a plan's binding in a worker. */
export type Source =
  /** Memory shared by all workers. */
  | { readonly kind: 'shared'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  /** Offset into the gradient slot of the current shard, for values that must be finite unless they are `unmeasured`. */
  | { readonly kind: 'gradient'; readonly byteOffset: number; readonly unmeasured?: boolean }
  /** Offset into the factors, of the first shard, and the bytes from each shard to the next. */
  | { readonly kind: 'factor'; readonly byteOffset: number; readonly shardBytes: number }
  /** The worker's own memory, shared by plans that use the same name and size. */
  | { readonly kind: 'local'; readonly name: string }
  /** Data of the plan itself. */
  | { readonly kind: 'constant' };

/** A plan and the source of each of its bindings. */
export interface BoundPlan {
  readonly plan: Plan;
  readonly sources: readonly Source[];
}

/** Samples, and the plans by the row counts that their shards can have. */
export interface ShardedData {
  readonly samples: SampleSource;
  /** Number of samples left out because they could not be loaded: one int32. */
  readonly skipped: SharedArrayBuffer;
  readonly length: number;
  readonly batchSize: number;
  readonly plans: ReadonlyMap<number, BoundPlan>;
}

/** What tells whether the gradients of a batch are finite: see `GradientVerdict`. */
export interface GradientMeasures {
  /** An upper bound of the magnitudes of each shard's gradients, in float64; see `BatchRunner`. */
  readonly magnitudes: SharedArrayBuffer;
  /**
   * The last step whose verdict was taken from its sum: twice its number counted from 1, plus 1 if the sum was finite.
   * One float64; 0 if there is none.
   */
  readonly judged: SharedArrayBuffer;
  /** Ranges of the gradients that must be finite. */
  readonly slices: readonly Slice[];
}

/**
 * A weight whose gradient is never stored: shards leave the factors of the product that it is, and the update computes
 * it from those of all shards, a block of the weight's rows at a time. The slice is the weight's.
 */
export interface WeightProduct extends Slice {
  /** Shape of the weight. */
  readonly rows: number;
  readonly columns: number;
  /** Rows of the factors for each row of a shard. */
  readonly perRow: number;
  /** The elements where the factors of the first shard begin; those of the other shards follow. */
  readonly aStart: number;
  readonly bStart: number;
  /** The layer that the weight belongs to, where origins are recorded. */
  readonly origin?: Origin | undefined;
}

/** The memory for the factors of all shards, and what they are factors of. */
export interface FactorLayout {
  readonly products: readonly WeightProduct[];
  readonly shards: number;
  /** Most rows of a shard, for which there is room. */
  readonly mostRows: number;
  readonly elements: number;
}

/** Factors in memory. */
export interface FactorMemory {
  readonly layout: FactorLayout;
  readonly memory: SharedMemory;
  /** The largest magnitude in each share of the gradient, where that must be known before the update. */
  readonly largest: SharedMemory;
}

/** The sum of the gradients of all shards of a batch, and the parameter update that uses it. */
export interface UpdateJob {
  /** Gradient slots: enough for every number of workers that may be active. */
  readonly gradients: readonly SharedMemory[];
  /** Ranges of the slots that are in use: gradients that are stored, and buffers. */
  readonly used: readonly Slice[];
  /** What gradients that are not stored are computed from. */
  readonly factors?: FactorMemory;
  readonly measures: GradientMeasures;
  /** One share per worker; null for a worker without parameters. */
  readonly updates: readonly (UpdateShare | null)[];
  /** Progress of each share: see `ShareProgress`. */
  readonly marks: SharedArrayBuffer;
  /** Steps per update; if more than 1, their gradients are accumulated in `sum`, and their weights in `weight`. */
  readonly accumulate: number;
  readonly sum?: SharedMemory;
  /**
   * Weight of the steps since the last update, as it was before a step: in element 0 before steps with an even number, in
   * element 1 before those with an odd one.
   */
  readonly weight?: SharedMemory;
  /** True if the update divides the sum of the gradients by the weight of its steps. */
  readonly divides: boolean;
  /** The sum of slots that updates can compute themselves: that of a whole batch on all workers. */
  readonly directProgram?: Int32Array;
  /** Gradient clipping, if any: the largest norm, and the sums of squares that the norm is computed from. */
  readonly clip?: { readonly norm: number; readonly squares: SharedMemory };
  /** The flat memory: the parameters, followed by the buffers. */
  readonly memory: SharedMemory;
  /** Ranges of the buffers that `forward` assigns, in the flat memory and in the gradients alike. */
  readonly assigned: readonly Slice[];
  /** The optimiser's scalars for each step of the epoch, in float64. */
  readonly scalars: SharedArrayBuffer;
  readonly scalarCount: number;
}

/** Plans for several neighbouring shards of `rows` rows each, by the number of shards. */
export interface ShardsAtOncePlans<P = BoundPlan> {
  readonly rows: number;
  readonly plans: ReadonlyMap<number, P>;
}

/** Training on sharded data: the steps, the losses and the update. */
export interface TrainingJob extends ShardedData, UpdateJob {
  /** True if the last samples of an epoch that do not fill a batch are left out. */
  readonly dropLast: boolean;
  readonly shuffle: boolean;
  /** Plans that compute several equal shards at once. */
  readonly atOnce: ShardsAtOncePlans;
  /** Number of parts that each batch is cut into; their gradients are added in a fixed order (`planReductionTree`). */
  readonly shards: number;
  readonly kind: FigureKind;
  /** The loss of each shard of the current step: its share of a mean, else its sum, followed by its weight. */
  readonly shardLosses: SharedArrayBuffer;
  /** The loss of each step of the epoch; NaN for a step that was skipped. */
  readonly losses: SharedArrayBuffer;
  /** The weight of each step's loss, if the loss is a ratio. */
  readonly weights?: SharedArrayBuffer;
  /** Effect of a step whose loss or gradient is not finite: it ends training, or it changes nothing. */
  readonly nonFinite: 'stop' | 'skip';
  /** The parameters, and then the optimiser's state, which must be finite after an epoch. */
  readonly state: readonly SharedMemory[];
  /** The largest magnitude of each worker's part of the state, when it was last measured, in float64. */
  readonly stateMagnitudes: SharedArrayBuffer;
  /** Cores shared by all trainings of the process; left out if this one always uses all of its workers. */
  readonly cores?: number;
  /** Most shards that one worker runs together, each in its own arena. Default: as many as the addon allows. */
  readonly together?: number;
  /** Copies that the workers make for checkpoints. */
  readonly snapshot?: Snapshot;
  /** The gate that is closed to readers of the parameters during each update; see `Gate`. */
  readonly gate: SharedArrayBuffer;
  /** For each shard, room for the values that it exchanges, as uint8. Left out for plans without all-reduces. */
  readonly exchange?: SharedMemory | undefined;
}

/** Copies of the training state that a checkpoint is saved from. */
export interface Snapshot {
  readonly copies: readonly { readonly from: SharedMemory; readonly to: SharedMemory }[];
  /** Steps between two snapshots, over all epochs; left out if only the main thread requests them. */
  readonly everySteps?: number;
}

/** Elements of the flat memory from `start` to `end` (exclusive). */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** One worker's share of the update: the parameters in its slice of the flat memory. */
export interface UpdateShare extends Slice {
  /** The parts of the slice whose gradients are stored. */
  readonly stored: readonly Slice[];
  readonly update: BoundPlan;
  /** The same update directly from the slots, which it adds up on the way; used if the sum is `directProgram`. */
  readonly direct?: BoundPlan;
  /** Sums of squares of its gradients, one per piece of the slice; only if the norm is clipped. */
  readonly squares?: BoundPlan;
  /** Its value of `FactorMemory.largest`; only if some of its gradients are not stored. */
  readonly largest?: BoundPlan;
}

/** A tensor of a state. */
export interface TensorForm {
  readonly dtype: DType;
  readonly elements: number;
}

/** A figure of an evaluation. */
export interface FigureForm {
  readonly name: string;
  /** Of the result: that of a number has no axes. */
  readonly shape: Shape;
}

/**
 * Evaluation of sharded data. Each batch gives a state, which holds that of all figures. A worker merges the states of
 * its batches in its places of `states`, in the order of `MergeOrder`, and the main thread merges what the workers leave.
 * Figures of columns have no state: workers write what they keep of each sample to its row of `columns`.
 */
export interface EvaluationJob extends ShardedData {
  readonly figures: readonly FigureForm[];
  readonly state: readonly TensorForm[];
  /** Each tensor of the state, for all places of one worker after the other. */
  readonly states: readonly SharedMemory[];
  /** Places of one worker. */
  readonly places: number;
  readonly columns: readonly BatchRows[];
  readonly merge: BoundPlan;
  readonly result: BoundPlan;
}

/** A tensor with one row per sample of a batch, or of a data set, in memory shared by all workers. */
export interface BatchRows {
  readonly memory: SharedMemory;
  /** Elements of one row. */
  readonly rowSize: number;
}

/** A function of a batch, traced for its shards (see `dataParallel`). */
export interface StepJob extends UpdateJob {
  readonly rows: number;
  /** Rows whose mean has the weight 1, if an update adds up several steps. */
  readonly unit?: number;
  /** Kind of the loss that the gradients are of. */
  readonly kind: FigureKind;
  /** See `TrainingJob`. */
  readonly shards: number;
  /** Plans by the row counts that shards can have. */
  readonly plans: ReadonlyMap<number, BoundPlan>;
  /** Arguments, and results that have rows, by their names in the plans. */
  readonly batches: Readonly<Record<string, BatchRows>>;
  /** The figures of the loss that the gradients are of: the names of its sum and of the weight that divides it. */
  readonly loss?: { readonly sum: string; readonly weight?: string };
  /** The results that are scalars, and the weights of those that are ratios. */
  readonly figures: readonly string[];
  /** Each shard's shares of the figures, one row per shard, in float64. */
  readonly shares: SharedArrayBuffer;
  /** For each shard, room for the values that it exchanges, as uint8. Left out for plans without all-reduces. */
  readonly exchange?: SharedMemory | undefined;
  /** 1 if the last call changed nothing, because its loss or its gradients were not finite: one int32. */
  readonly refused: SharedArrayBuffer;
}

/** Complete description of the work for the workers: plain data and shared memory. */
export interface Job {
  readonly workers: number;
  readonly seed: number;
  /** Nice value of the threads; see `TrainerOptions`. */
  readonly nice?: number | undefined;
  /** See `control.ts`. */
  readonly control: SharedArrayBuffer;
  readonly training?: TrainingJob;
  readonly evaluation?: EvaluationJob;
}

/** Consecutive steps of an epoch, with their samples. */
export interface EpochStretch {
  /** The first step, counted within the epoch. */
  readonly firstStep: number;
  /** Position of the first sample in the memory of the data. */
  readonly start: number;
  readonly count: number;
  /** Index of the first sample within the epoch. */
  readonly firstItem: number;
  /** Samples of the whole epoch, if known. */
  readonly expected?: number;
}

/** The updates that steps have not made: see `UpdateCount`. */
export interface UpdateTally {
  /** Updates that were not made, because their steps had no weight. */
  readonly missed: number;
  /** Weight of the steps accumulated for the next update so far; their number, unless the loss is a ratio. */
  readonly contributed: number;
}

/** Starting point of an epoch, or the point where it resumes. */
export interface EpochStart {
  readonly epoch: number;
  /** Number of steps in all previous epochs. */
  readonly firstStep: number;
  /** The updates that previous epochs have not made. Default none. */
  readonly updates?: UpdateTally;
  /** The first step to run, counted within the epoch. Default 0. */
  readonly startStep?: number;
  /** The stretch of the epoch to train, if its samples arrive bit by bit. */
  readonly stretch?: EpochStretch;
  /** Plans for row counts that occur in this stretch only. */
  readonly plans?: ReadonlyMap<number, BoundPlan>;
  /** True to finish an interrupted step: its gradients are complete, and its update may be partly done. */
  readonly finish?: boolean;
}

/** One task of the pool for one worker. */
export type Task =
  | ({ readonly kind: 'train'; readonly rank: number } & EpochStart)
  /** Training that records a timeline; times count from `origin`, on the clock that all threads share (`now`). */
  | ({ readonly kind: 'profile'; readonly rank: number; readonly origin: number } & EpochStart)
  | { readonly kind: 'evaluate'; readonly rank: number }
  /** Measures the state of the training. */
  | { readonly kind: 'measure'; readonly rank: number }
  | ({ readonly kind: 'step'; readonly rank: number } & StepCall)
  /** Frees data-parallel functions, by their ids, and memory that is then not needed. */
  | { readonly kind: 'forget'; readonly rank: number; readonly ids: readonly number[] };

/** One call of a data-parallel function. */
export interface StepCall {
  /** Identifies the function among those that the threads know. */
  readonly id: number;
  /** The function itself, on its first call. */
  readonly definition?: StepJob | undefined;
  /** Ids of functions that will not be called again. */
  readonly forget: readonly number[];
  /** Number of the call, which random numbers depend on. */
  readonly step: number;
  /** Number of steps that the optimiser has taken before. */
  readonly optimizerStep: number;
  /** True to finish an interrupted call: its gradients are complete, and its update may be partly done. */
  readonly finish?: boolean;
}

/** The plans that workers run in training: those of the gradients, then those of the updates. */
export function plansOf(training: TrainingJob): Plan[] {
  const shares = training.updates.flatMap((share) =>
    share ? [share.squares, share.update, share.direct, share.largest] : [],
  );
  return [...gradientPlansOf(training), ...shares.flatMap((bound) => (bound ? [bound.plan] : []))];
}

/** The plans of the gradients: those of single shards, then those of several at once. */
export function gradientPlansOf({ plans, atOnce }: TrainingJob): Plan[] {
  return [...plans.values(), ...atOnce.plans.values()].map(({ plan }) => plan);
}

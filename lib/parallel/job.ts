import type { Plan } from '../compile/plan.js';
import type { Field } from '../data/index.js';
import type { DType } from '../graph/dtype.js';

/** A stretch of shared memory with one dtype. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  readonly dtype: DType;
}

/** Where a worker finds the memory of a plan's binding. */
export type Source =
  /** At a place that all workers see. */
  | { readonly kind: 'shared'; readonly buffer: SharedArrayBuffer; readonly byteOffset: number }
  /** At a place in the gradients of the shard that is worked on. */
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
  readonly inputs: Field;
  readonly targets: Field;
  readonly length: number;
  readonly batchSize: number;
  readonly plans: ReadonlyMap<number, BoundPlan>;
}

/** What training adds to the data: where gradients, state and losses live, and each worker's share of the update. */
export interface TrainingJob extends ShardedData {
  readonly shuffle: boolean;
  readonly gradients: readonly SharedMemory[];
  /** By rank; null where a worker has no parameters to update. */
  readonly updates: readonly (UpdateShare | null)[];
  /** Steps that make one update; from 2 on, their gradients are added up in `sum`. */
  readonly accumulate: number;
  readonly sum?: SharedMemory;
  /** Where the norm of all gradients is clipped: to what, and the sums of squares that it is made of. */
  readonly clip?: { readonly norm: number; readonly squares: SharedMemory };
  /** The flat memory of the parameters, and behind them the buffers. */
  readonly memory: SharedMemory;
  /** The buffers that `forward` assigns: their places in the flat memory and in the gradients. */
  readonly assigned: readonly Range[];
  /** The loss of each shard of the step under way. */
  readonly shardLosses: SharedArrayBuffer;
  /** The loss of each step of the epoch. */
  readonly losses: SharedArrayBuffer;
  /** The optimiser's numbers for each step of the epoch, in float64. */
  readonly scalars: SharedArrayBuffer;
  readonly scalarCount: number;
}

/** A stretch of the flat memory from `start` to `end` (not included), counted in elements. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** One worker's share of the update of all parameters: those in a stretch of the flat memory. */
export interface UpdateShare extends Range {
  readonly update: BoundPlan;
  /** The sums of the squares of its gradients, a number for each piece of the stretch, where their norm is clipped. */
  readonly squares?: BoundPlan;
}

/** What evaluation adds to the data: sums of the figures over the samples, a row for each worker. */
export interface EvaluationJob extends ShardedData {
  readonly figures: readonly string[];
  readonly sums: SharedArrayBuffer;
}

/** All that workers need to know. Plain data and shared memory. */
export interface Job {
  readonly workers: number;
  readonly seed: number;
  /** See `control.ts`. */
  readonly control: SharedArrayBuffer;
  readonly training?: TrainingJob;
  readonly evaluation?: EvaluationJob;
}

/** What one worker is asked to do in one task of the pool. */
export type Task =
  | { readonly kind: 'train'; readonly rank: number; readonly epoch: number; readonly firstStep: number }
  /** Training that writes down what takes how long; times count from `origin`, of the clock that threads share. */
  | {
      readonly kind: 'profile';
      readonly rank: number;
      readonly epoch: number;
      readonly firstStep: number;
      readonly origin: number;
    }
  | { readonly kind: 'evaluate'; readonly rank: number };

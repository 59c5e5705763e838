import { StreamMemory } from '../../data/stream-memory.js';
import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { BoundPlanChoices } from '../../parallel/prepare/bound-plan-choices.js';
import { tensorsOf } from '../../parallel/prepare/optimizer-memory.js';
import { gradientBytes, prepareUpdates } from '../../parallel/prepare/update-job.js';
import { type Group, groupsOf, mostTogether, sizesOfInstances } from '../../parallel/protocol/instances.js';
import type { BoundPlan, UpdateJob } from '../../parallel/protocol/job.js';
import { resultsOf } from '../../parallel/protocol/results.js';
import { trainedSamples } from '../../parallel/protocol/shards.js';
import { bytesOf, missingMemory } from '../../parallel/protocol/shared-memory.js';
import { kernelBytes } from '../../runtime/cache/kept-bytes.js';
import { summingSteps } from '../../runtime/executable.js';
import type { CompiledEvaluation, CompiledTraining, JobContext } from '../prepare/compile-job.js';
import { atOnceWithin, planWithin, type ResourceLimits, statesOf } from '../prepare/jobs.js';

/** A training, an evaluation, or both, to be run within a budget. */
export interface Workload {
  readonly context: JobContext;
  /** Left out if there is only an evaluation. */
  readonly training?: CompiledTraining | undefined;
  readonly evaluation?: CompiledEvaluation | undefined;
  /** True if all memory that training changes is copied, for checkpoints. */
  readonly snapshot: boolean;
  /** Number of copies of the weights that callbacks keep. */
  readonly kept: number;
}

export interface TrainingWorkload extends Workload {
  readonly training: CompiledTraining;
}

/** Bytes of the memory that all workers share. */
export interface SharedBytes {
  /** Parameters and buffers. */
  readonly parameters: number;
  /** Slots in which the gradients of shards are added up, and the factors of gradients that are not stored. */
  readonly gradients: number;
  /** State of the optimiser, with moving averages and accumulated gradients. */
  readonly optimizer: number;
  /**
   * Copies for checkpoints, losses of each step, the figures of a validation with what they keep of each sample, the queue of
   * a stream, constants.
   */
  readonly other: number;
}

/** Bytes of one worker. */
export interface WorkerBytes {
  /** Arenas, one for each of the shards, or units of several, that run at the same time. */
  readonly arenas: readonly number[];
  /** Loaded samples, and other arrays that plans are given. */
  readonly inputs: number;
  /** Private memory of kernels, descriptions of the steps, constants, and the order of the samples. */
  readonly plans: number;
}

/** Bytes of a job, in all and by purpose. */
export interface MemoryEstimate {
  readonly limits: ResourceLimits;
  readonly shared: SharedBytes;
  /** By rank. */
  readonly workers: readonly WorkerBytes[];
  readonly total: number;
}

/** A number of workers, and further limits if there are any. */
type WorkerLimits = Pick<ResourceLimits, 'workers'> & Partial<ResourceLimits>;

/** Counts the bytes of a job before any memory is allocated. */
export class MemoryEstimator {
  readonly #updates = new Map<string, UpdateJob | undefined>();
  readonly #groups = new Map<string, Group[][]>();
  readonly #sums = new Map<number, boolean>();

  constructor(readonly workload: Workload) {}

  /** The plans to choose from, for each number of rows. */
  get choices(): readonly BoundPlanChoices[] {
    const { training, evaluation } = this.workload;
    return [...(training?.plans.values() ?? []), ...(evaluation?.plans.values() ?? [])];
  }

  /** Bytes of the smallest arena that is enough for `workers` workers. */
  smallestArena(workers: number): number {
    const plans = this.choices.map(({ smallest }) => smallest);
    return largestArena([...plans, ...this.#otherPlans({ workers, together: 1 })]);
  }

  /**
   * Bytes of the arena that the quickest plans for `workers` workers need.
   *
   * @param together most shards that run together or at once
   */
  quickestArena(workers: number, together = 1): number {
    const plans = this.choices.map(({ quickest }) => quickest);
    return largestArena([
      ...plans,
      ...this.#atOnce({ together }).values(),
      ...this.#otherPlans({ workers, together }),
    ]);
  }

  /** Numbers of shards that each of `workers` workers may run together or at once, the largest first; 1: in turn. */
  groupSizes(workers: number): number[] {
    const several = [...this.#atOnce({}).keys()].sort((a, b) => b - a);
    // Shards that wait for each other run at the same time in any case.
    if (this.workload.training?.exchanged) return [...several, 1];
    const groups = this.#groupsOf(workers, new Map()).flat();
    return [...new Set([...several, ...groups.map(({ count }) => count), 1])].sort((a, b) => b - a);
  }

  /** Estimates a job within resource limits. Throws if no plan fits in its arena. */
  at(limits: ResourceLimits): MemoryEstimate {
    const { workers } = limits;
    const shared = this.#shared(limits);
    const each = Array.from({ length: workers }, (_, rank) => this.#worker(rank, limits));
    const sums = [shared.parameters, shared.gradients, shared.optimizer, shared.other];
    const total = [...sums, ...each.map(totalOf)].reduce((sum, bytes) => sum + bytes, 0);
    return { limits: usedOf(limits, each), shared, workers: each, total };
  }

  /** The plan of the largest shard of a training, or the largest batch of an evaluation. */
  get largest(): BoundPlanChoices {
    const { training, evaluation } = this.workload;
    const plans = training?.plans ?? evaluation?.plans ?? new Map<number, BoundPlanChoices>();
    return plans.get(Math.max(...plans.keys())) as BoundPlanChoices;
  }

  /** The update within resource limits, with real plans and sizes but no memory. */
  updateOf(limits: WorkerLimits): UpdateJob | undefined {
    const { workers } = limits;
    const { context, training } = this.workload;
    const atOnce = new Set(this.#atOnce(limits).keys());
    const key = `${workers}/${[...atOnce]}`;
    if (!this.#updates.has(key)) {
      const { parameters: flat, optimizer, memory } = context;
      const sharing = { workers, mayBeFewer: this.#mayBeFewer(workers), steps: 0 };
      const { assigned = [], kind = 'mean', shards = 1, factors } = training ?? {};
      const apart = training?.exchanged !== undefined;
      const onlyFull = training?.onlyFull ?? false;
      const update =
        training &&
        prepareUpdates(
          { flat, optimizer, memory, assigned, kind, shards, factors, apart, atOnce, onlyFull, ...sharing },
          missingMemory,
        );
      this.#updates.set(key, update);
    }
    return this.#updates.get(key);
  }

  #mayBeFewer(workers: number): boolean {
    return workers > 1 && this.workload.context.cores !== undefined;
  }

  #shared(limits: ResourceLimits): SharedBytes {
    const { workers } = limits;
    const { context, training, evaluation, snapshot, kept } = this.workload;
    const { parameters: flat, memory, model } = context;
    const update = this.updateOf(limits);
    const own = [...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)].filter(
      (variable) => !flat.offsets.has(variable),
    );
    const changed = bytesOf(flat.memory);
    const optimizer = sum(tensorsOf(memory).map(bytesOf));
    return {
      parameters: changed + sum(own.map(({ dtype, size }) => size * bytesPerElement(dtype))),
      gradients: update ? gradientBytes(update) : 0,
      optimizer,
      other:
        (snapshot ? changed + optimizer : 0) +
        kept * (changed + (memory.average ? bytesOf(memory.average) : 0)) +
        (training ? stepBytes(training, update as UpdateJob) + queueBytes(training) : 0) +
        (update?.clip ? bytesOf(update.clip.squares) : 0) +
        (training?.exchanged ? training.shards * training.exchanged.bytes : 0) +
        (evaluation ? figureBytes(evaluation, workers) : 0) +
        this.#constants(limits),
    };
  }

  #worker(rank: number, limits: ResourceLimits): WorkerBytes {
    const { workers, arenaBytes, together = mostTogether() } = limits;
    const { training, evaluation } = this.workload;
    const atOnce = this.#atOnce(limits);
    const chosen = (plans: readonly BoundPlanChoices[]) =>
      plans.map((known) => planWithin(known, arenaBytes));
    const others = this.#otherPlans(limits);
    const most = training?.exchanged ? Number.POSITIVE_INFINITY : together;
    const further = sizesOfInstances(this.#groupsOf(workers, atOnce)[rank] ?? [], most).map((sizes) =>
      sizes.map((rows) => this.#planOf(rows, arenaBytes, atOnce)),
    );
    const instances = [[...chosen(this.choices), ...atOnce.values(), ...others], ...further];
    const orders = 8 * (training?.data.length ?? 0) + 4 * (evaluation?.data.length ?? 0);
    const all = instances.flat();
    // The last batch of a stream has shards of up to two sizes of its own.
    const mayBeRest = training?.data instanceof StreamMemory && !training.dropLast;
    const rest = mayBeRest ? chosen([this.largest]) : [];
    const rests = training?.exchanged ? instances.map(() => rest) : [rest];
    return {
      arenas: instances.map(largestArena),
      inputs: sum([...instances, ...rests, ...rests].map(localBytes)),
      plans:
        sum([...all, ...rests.flat(), ...rests.flat()].map(({ plan }) => kernelBytes(plan))) +
        orders +
        this.#constants(limits),
    };
  }

  /** The plan of a shard, or of several at once, by the number of their rows. */
  #planOf(rows: number, arenaBytes: number, atOnce: ReadonlyMap<number, BoundPlan>): BoundPlan {
    const { training } = this.workload;
    const own = training?.plans.get(rows);
    if (own) return planWithin(own, arenaBytes);
    return atOnce.get(rows / (training?.atOnce.rows ?? 1)) as BoundPlan;
  }

  /** The plans of updates, and those that merge the states of an evaluation. */
  #otherPlans(limits: WorkerLimits): BoundPlan[] {
    const shares = this.updateOf(limits)?.updates ?? [];
    const { evaluation } = this.workload;
    return [
      ...shares.flatMap((share) => (share ? [share.update, share.direct, share.squares, share.largest] : [])),
      evaluation?.merge,
    ].filter((plan) => plan !== undefined);
  }

  /** The plans for several shards at once that are used within resource limits, by the number of shards. */
  #atOnce(limits: Partial<ResourceLimits>): ReadonlyMap<number, BoundPlan> {
    const { training } = this.workload;
    return training ? atOnceWithin(training.atOnce, limits).plans : new Map();
  }

  /** @param atOnce the plans for several shards at once, whose shards need no arena of their own */
  #groupsOf(workers: number, atOnce: ReadonlyMap<number, BoundPlan>): Group[][] {
    const { training } = this.workload;
    const counts = new Set(atOnce.keys());
    const key = `${workers}/${[...counts]}`;
    let groups = this.#groups.get(key);
    if (!groups) {
      groups = training ? this.#groupsOfTraining(training, workers, counts) : [];
      this.#groups.set(key, groups);
    }
    return groups;
  }

  #groupsOfTraining(training: CompiledTraining, workers: number, counts: ReadonlySet<number>): Group[][] {
    const { data, batchSize, shards } = training;
    const atOnce = { rows: training.atOnce.rows, counts };
    const length = trainedSamples(data.length, training);
    const batches = [Math.min(batchSize, length), length % batchSize].filter((rows) => rows > 0);
    const apart = training.exchanged !== undefined;
    const sharing = { batches, shards, workers, mayBeFewer: this.#mayBeFewer(workers), apart, atOnce };
    if (apart) return groupsOf(sharing);
    return groupsOf(sharing).map((groups) =>
      groups.filter(({ count, rows }) => count > 1 && count <= mostTogether() && this.#addsUp(rows)),
    );
  }

  /** True if shards of `rows` rows gain from running together; see `BatchRunner`. */
  #addsUp(rows: number): boolean {
    let known = this.#sums.get(rows);
    if (known === undefined) {
      const bound = this.workload.training?.plans.get(rows)?.quickest;
      known = bound !== undefined && resultsOf(bound, summingSteps(bound.plan)) !== null;
      this.#sums.set(rows, known);
    }
    return known;
  }

  /** Bytes of the constants; each thread has a copy. */
  #constants(limits: ResourceLimits): number {
    const plans = [...this.choices.map(({ quickest }) => quickest), ...this.#atOnce(limits).values()];
    const values = plans.flatMap(({ plan }) => plan.bindings.map(({ data }) => data));
    return sum([...new Set(values)].map((data) => data?.byteLength ?? 0));
  }
}

/** Bytes of the arena that is enough for each of some plans. */
function largestArena(plans: readonly BoundPlan[]): number {
  return Math.max(0, ...plans.map(({ plan }) => plan.arenaBytes));
}

/** Limits arenas to the bytes that were counted, so that plans compiled later keep to them. */
function usedOf(limits: ResourceLimits, workers: readonly WorkerBytes[]): ResourceLimits {
  if (!Number.isFinite(limits.arenaBytes)) return limits;
  return { ...limits, arenaBytes: Math.max(0, ...workers.map(({ arenas }) => arenas[0] ?? 0)) };
}

/** All bytes of a worker. */
export function totalOf({ arenas, inputs, plans }: WorkerBytes): number {
  return sum(arenas) + inputs + plans;
}

/** Bytes of the local arrays of some plans, which share those of the same name, dtype and size. */
function localBytes(plans: readonly BoundPlan[]): number {
  const arrays = new Map<string, number>();
  for (const { plan, sources } of plans) {
    sources.forEach((source, i) => {
      if (source.kind !== 'local') return;
      const binding = at(plan.bindings, i);
      arrays.set(`${source.name}/${binding.dtype}/${sizeOf(binding.shape)}`, binding.bytes);
    });
  }
  return sum([...arrays.values()]);
}

/**
 * Bytes of the losses and the optimiser's scalars of each step. A stream's do not count, as they take memory only as
 * far as they are used.
 */
function stepBytes({ data, shards, kind, steps }: CompiledTraining, { scalarCount }: UpdateJob): number {
  const figures = kind === 'ratio' ? 2 : 1;
  return 16 * shards + (data instanceof StreamMemory ? 0 : 8 * (figures + scalarCount) * steps);
}

/** Bytes of the states and columns of an evaluation's figures, and of the plan that takes the figures from them. */
function figureBytes(evaluation: CompiledEvaluation, workers: number): number {
  const { columns, data, result } = evaluation;
  const whole = columns.map(({ dtype, elements }) => ({ dtype, elements: data.length * elements }));
  return sum([...statesOf(evaluation, workers), ...whole].map(bytesOf)) + result.plan.arenaBytes;
}

function queueBytes({ data }: CompiledTraining): number {
  if (!(data instanceof StreamMemory)) return 0;
  return sum(Object.values(data.source.columns).map((field) => field.data.byteLength));
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, one) => total + one, 0);
}

import type { Plan } from '../../compile/plan/plan.js';
import { StreamMemory } from '../../data/stream-memory.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { BoundPlanChoices } from '../../parallel/prepare/bound-plan-choices.js';
import { tensorsOf } from '../../parallel/prepare/optimizer-memory.js';
import { prepareUpdates } from '../../parallel/prepare/update-job.js';
import { type Group, groupsOf, sizesOfInstances } from '../../parallel/protocol/instances.js';
import type { BoundPlan, UpdateJob } from '../../parallel/protocol/job.js';
import { resultsOf } from '../../parallel/protocol/results.js';
import { bytesOf, missingMemory } from '../../parallel/protocol/shared-memory.js';
import { MOST_TOGETHER } from '../../parallel/worker/batch-runner.js';
import { summingSteps } from '../../runtime/executable.js';
import { kernelBytes } from '../../runtime/kernel-memory.js';
import type { CompiledEvaluation, CompiledTraining, JobContext } from '../prepare/compiled.js';
import { planWithin, type ResourceLimits } from '../prepare/jobs.js';

/** What is to be done within a budget. */
export interface Workload {
  readonly context: JobContext;
  /** Left out where there is only an evaluation. */
  readonly training?: CompiledTraining | undefined;
  readonly evaluation?: CompiledEvaluation | undefined;
  /** Whether copies of all that training changes are made, for checkpoints. */
  readonly snapshot: boolean;
}

/** A training within a budget. */
export interface TrainingWorkload extends Workload {
  readonly training: CompiledTraining;
}

/** Bytes that all workers see. */
export interface SharedBytes {
  /** Parameters and buffers. */
  readonly parameters: number;
  /** The slots that the gradients of shards are added up in. */
  readonly gradients: number;
  /** What the optimiser remembers, with moving averages and accumulated gradients. */
  readonly optimizer: number;
  /** Copies for checkpoints, losses and other figures of each step, the queue of a stream, constants. */
  readonly other: number;
}

/** Bytes of one worker. */
export interface WorkerBytes {
  /** Arenas: of each of the shards that run together. */
  readonly arenas: readonly number[];
  /** Samples that were loaded, and other arrays that its plans are given. */
  readonly inputs: number;
  /** What kernels keep for themselves, the steps' descriptions, constants, and the order of the samples. */
  readonly plans: number;
}

/** All that a job takes. */
export interface MemoryEstimate {
  readonly limits: ResourceLimits;
  readonly shared: SharedBytes;
  /** By rank. */
  readonly workers: readonly WorkerBytes[];
  readonly total: number;
}

/** Counts the bytes of a job before any of them is taken. */
export class MemoryEstimator {
  readonly #updates = new Map<number, UpdateJob | undefined>();
  readonly #groups = new Map<number, Group[][]>();
  readonly #sums = new Map<number, boolean>();

  constructor(readonly workload: Workload) {}

  /** The plans that are to be chosen from. */
  get choices(): readonly BoundPlanChoices[] {
    const { training, evaluation } = this.workload;
    return [...(training?.plans.values() ?? []), ...(evaluation?.plans.values() ?? [])];
  }

  /** The smallest arena that so many workers can do with. */
  smallestArena(workers: number): number {
    const arenas = this.choices.map(({ smallest }) => smallest.plan.arenaBytes);
    return Math.max(0, ...arenas, ...this.#updatePlans(workers).map(({ plan }) => plan.arenaBytes));
  }

  /** The arena in which the quickest plans of so many workers run. */
  quickestArena(workers: number): number {
    const arenas = this.choices.map(({ quickest }) => quickest.plan.arenaBytes);
    return Math.max(0, ...arenas, ...this.#updatePlans(workers).map(({ plan }) => plan.arenaBytes));
  }

  /** The numbers of shards that so many workers may run together, the largest first; 1 stands for running them in turn. */
  groupSizes(workers: number): number[] {
    const groups = this.#groupsOf(workers).flat();
    return [...new Set([...groups.map(({ count }) => count), 1])].sort((a, b) => b - a);
  }

  /** Estimates a job within resource limits. Throws if no plan fits in its arena. */
  at(limits: ResourceLimits): MemoryEstimate {
    const { workers } = limits;
    const shared = this.#shared(workers);
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

  /** The update of so many workers, of which nothing but its plans and sizes is real. */
  updateOf(workers: number): UpdateJob | undefined {
    const { context, training } = this.workload;
    if (!this.#updates.has(workers)) {
      const { parameters: flat, optimizer, memory } = context;
      const sharing = { workers, mayBeFewer: this.#mayBeFewer(workers), steps: 0 };
      const update =
        training &&
        prepareUpdates(
          { flat, optimizer, memory, assigned: training.assigned, shards: training.shards, ...sharing },
          missingMemory,
        );
      this.#updates.set(workers, update);
    }
    return this.#updates.get(workers);
  }

  #mayBeFewer(workers: number): boolean {
    return workers > 1 && this.workload.context.cores !== undefined;
  }

  #shared(workers: number): SharedBytes {
    const { context, training, evaluation, snapshot } = this.workload;
    const { parameters: flat, memory, model } = context;
    const update = this.updateOf(workers);
    const own = [...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)].filter(
      (variable) => !flat.offsets.has(variable),
    );
    const changed = bytesOf(flat.memory);
    const optimizer = sum(tensorsOf(memory).map(bytesOf));
    const figures = evaluation
      ? 8 * evaluation.figures.length * Math.ceil(evaluation.data.length / evaluation.batchSize)
      : 0;
    return {
      parameters: changed + sum(own.map(({ dtype, size }) => size * bytesPerElement(dtype))),
      gradients: sum(update?.gradients.map(bytesOf) ?? []),
      optimizer,
      other:
        (snapshot ? changed + optimizer : 0) +
        (training ? stepBytes(training, update as UpdateJob) + queueBytes(training) : 0) +
        (update?.clip ? bytesOf(update.clip.squares) : 0) +
        figures +
        this.#constants(),
    };
  }

  #worker(rank: number, { workers, arenaBytes, together = MOST_TOGETHER }: ResourceLimits): WorkerBytes {
    const { training, evaluation } = this.workload;
    const chosen = (plans: readonly BoundPlanChoices[]) =>
      plans.map((known) => planWithin(known, arenaBytes));
    const updates = this.#updatePlans(workers);
    const further = sizesOfInstances(this.#groupsOf(workers)[rank] ?? [], together).map((sizes) =>
      chosen(sizes.map((rows) => training?.plans.get(rows) as BoundPlanChoices)),
    );
    const instances = [[...chosen(this.choices), ...updates], ...further];
    const orders = 8 * (training?.data.length ?? 0) + 4 * (evaluation?.data.length ?? 0);
    const all = instances.flat();
    // The last batch of a stream has shards of up to two sizes of its own.
    const rest = training?.data instanceof StreamMemory ? chosen([this.largest]) : [];
    return {
      arenas: instances.map((plans) => Math.max(0, ...plans.map(({ plan }) => plan.arenaBytes))),
      inputs: sum([...instances, rest, rest].map(localBytes)),
      plans:
        sum([...all, ...rest, ...rest].map(({ plan }) => kernelBytes(plan))) + orders + this.#constants(),
    };
  }

  #updatePlans(workers: number): BoundPlan[] {
    const shares = this.updateOf(workers)?.updates ?? [];
    return shares
      .flatMap((share) => (share ? [share.update, share.direct, share.squares] : []))
      .filter((plan) => plan !== undefined);
  }

  #groupsOf(workers: number): Group[][] {
    const { training } = this.workload;
    let groups = this.#groups.get(workers);
    if (!groups) {
      groups = training ? this.#groupsOfTraining(training, workers) : [];
      this.#groups.set(workers, groups);
    }
    return groups;
  }

  #groupsOfTraining({ data, batchSize, shards }: CompiledTraining, workers: number): Group[][] {
    const { length } = data;
    const batches = [Math.min(batchSize, length), length % batchSize].filter((rows) => rows > 0);
    const sharing = { batches, shards, workers, mayBeFewer: this.#mayBeFewer(workers) };
    return groupsOf(sharing).map((groups) =>
      groups.filter(({ count, rows }) => count > 1 && count <= MOST_TOGETHER && this.#addsUp(rows)),
    );
  }

  /** Whether shards of so many rows gain from running together; see `BatchRunner`. */
  #addsUp(rows: number): boolean {
    let known = this.#sums.get(rows);
    if (known === undefined) {
      const bound = this.workload.training?.plans.get(rows)?.quickest;
      known = bound !== undefined && resultsOf(bound, summingSteps(bound.plan)) !== null;
      this.#sums.set(rows, known);
    }
    return known;
  }

  /** Each thread has a copy of the constants. */
  #constants(): number {
    const values = this.choices.flatMap(({ quickest }) => quickest.plan.bindings.map(({ data }) => data));
    return sum([...new Set(values)].map((data) => data?.byteLength ?? 0));
  }
}

/** No more for arenas than what is counted, so that plans that come later keep to that. */
function usedOf(limits: ResourceLimits, workers: readonly WorkerBytes[]): ResourceLimits {
  if (!Number.isFinite(limits.arenaBytes)) return limits;
  return { ...limits, arenaBytes: Math.max(0, ...workers.map(({ arenas }) => arenas[0] ?? 0)) };
}

/** All bytes of a worker. */
export function totalOf({ arenas, inputs, plans }: WorkerBytes): number {
  return sum(arenas) + inputs + plans;
}

/** The arrays that some plans share by name and size. */
function localBytes(plans: readonly BoundPlan[]): number {
  const arrays = new Map<string, number>();
  for (const { plan, sources } of plans) {
    sources.forEach((source, i) => {
      const binding = plan.bindings[i] as Plan['bindings'][number];
      if (source.kind !== 'local') return;
      arrays.set(`${source.name}/${binding.dtype}/${sizeOf(binding.shape)}`, binding.bytes);
    });
  }
  return sum([...arrays.values()]);
}

/** The losses, and the optimiser's numbers, of each step; those of a stream are only taken as far as they are used. */
function stepBytes({ data, shards, steps }: CompiledTraining, { scalarCount }: UpdateJob): number {
  return 8 * shards + (data instanceof StreamMemory ? 0 : 8 * (1 + scalarCount) * steps);
}

function queueBytes({ data }: CompiledTraining): number {
  if (!(data instanceof StreamMemory)) return 0;
  return data.inputs.data.byteLength + data.targets.data.byteLength;
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, one) => total + one, 0);
}

import type { TypedArray } from '../../graph/dtype.js';
import { addon } from '../../runtime/addon.js';
import type { RandomState } from '../../runtime/executable.js';
import type { Control } from '../protocol/control.js';
import { mostTogether } from '../protocol/instances.js';
import type { SharedMemory, UpdateJob } from '../protocol/job.js';
import type { ReductionTree, ShardGroup } from '../protocol/reduction-tree.js';
import { shardRows } from '../protocol/shards.js';
import { viewInto } from '../protocol/shared-memory.js';
import { BoundExecutable, type ShardMemory } from './bound-executable.js';
import { rangesOf } from './ranges.js';
import type { Recorder } from './recorder.js';

/** The batch of a step, with what its random numbers depend on. */
export interface StepBatch {
  /** Number of rows. */
  readonly count: number;
  /** Number of rows whose mean has the weight 1, if an update adds up several steps. */
  readonly unit?: number | undefined;
  /** Number of parts that it is cut into. */
  readonly shards: number;
  /** With `step`, the key of the random numbers, which also depend on the position of a sample. */
  readonly seed: number;
  readonly step: number;
}

/** Supplies the rows of shards, and receives their results other than gradients. */
export interface ShardOwner {
  /**
   * The plan for some neighbouring shards, with their rows loaded. Shards that run together each use an instance of the
   * plan, from 0 on, with its own memory.
   */
  load(shards: readonly number[], instance: number): BoundExecutable;
  /** Called when the plan has run. */
  finish(shards: readonly number[], executable: BoundExecutable): void;
}

/** What a worker needs to compute shards and to meet the others on the way. */
interface BatchJob extends Pick<UpdateJob, 'gradients' | 'used' | 'factors' | 'measures'> {
  readonly exchange?: SharedMemory | undefined;
}

/**
 * Computes one worker's shards of a batch, and adds up the gradients of its own shard groups in their slots. Notes the
 * magnitudes of each shard's gradients; those of a unit, or of a group that runs together, are noted for its first shard.
 */
export class BatchRunner {
  readonly #slots: readonly TypedArray[];
  readonly #used: Float64Array;
  readonly #magnitudes: Float64Array;
  readonly #memories = new Map<string, ShardMemory>();
  /** The program for the sum of two slots. */
  readonly #pair = Int32Array.of(0, 1, addon().constants.sums.add);

  /**
   * @param control where workers meet
   * @param together most shards to run together
   */
  constructor(
    private readonly job: BatchJob,
    private readonly control: Control,
    private readonly together = mostTogether(),
    private readonly recorder?: Recorder,
  ) {
    this.#slots = job.gradients.map((slot) => viewInto(slot));
    this.#used = rangesOf(job.used);
    this.#magnitudes = new Float64Array(job.measures.magnitudes);
  }

  /** Leaves the sum of each group in its first slot. */
  run(rank: number, tree: ReductionTree, batch: StepBatch, owner: ShardOwner): void {
    const groups = tree.work[rank] ?? [];
    const { exchange } = this.job;
    // A shard that is the whole batch has nobody to meet.
    if (exchange && tree.order.length > 1) {
      this.#runMeeting(rank, tree, exchange, batch, owner);
      return;
    }
    for (const group of groups) {
      const first = this.#load(group.units[0] as readonly number[], 0, batch, owner);
      if (this.#runsTogether(group, batch, first)) this.#runTogether(group, batch, owner, first);
      else this.#runInTurn(group, batch, owner, first);
    }
  }

  /** True for equal shards whose plan gains from it; never while recording, because only single runs can be timed. */
  #runsTogether({ units }: ShardGroup, batch: StepBatch, first: BoundExecutable): boolean {
    if (this.recorder || units.length === 1 || units.length > this.together) return false;
    if (units.some(({ length }) => length > 1)) return false;
    const counts = units.flat().map((shard) => shardRows(batch.count, batch.shards, shard).count);
    return counts.every((count) => count === counts[0]) && first.results !== null;
  }

  #runInTurn(
    { units, slots, program }: ShardGroup,
    batch: StepBatch,
    owner: ShardOwner,
    first: BoundExecutable,
  ): void {
    const used: number[] = [];
    const { add } = addon().constants.sums;
    for (const word of program) {
      if (word === add) {
        const from = this.#slots[used.pop() as number] as TypedArray;
        const to = this.#slots[used.at(-1) as number] as TypedArray;
        addon().combine(to, [to, from], this.#pair, this.#used);
        this.recorder?.end('sum');
        continue;
      }
      const [shards, slot] = [units[word] as readonly number[], slots[word] as number];
      const [shard = 0] = shards;
      const executable = word === 0 ? first : this.#load(shards, 0, batch, owner);
      const most = executable.run(this.#memoryOf(shard, slot), randomOf(shard, batch));
      this.#finish(shards, most, executable, batch, owner);
      this.recorder?.end('gradients');
      used.push(slot);
    }
  }

  /** Adds large products before they are stored; the bits are those of `#runInTurn`. */
  #runTogether(
    { units, slots, program }: ShardGroup,
    batch: StepBatch,
    owner: ShardOwner,
    first: BoundExecutable,
  ): void {
    const shards = units.flat();
    const executables = shards.map((shard, instance) =>
      instance === 0 ? first : this.#load([shard], instance, batch, owner),
    );
    for (const shard of shards) this.#magnitudes[shard] = 0;
    this.#magnitudes[shards[0] as number] = BoundExecutable.runTogether(
      executables,
      slots.map((slot, i) => this.#memoryOf(shards[i] as number, slot)),
      shards.map((shard) => randomOf(shard, batch)),
      program,
    );
    shards.forEach((shard, i) => {
      owner.finish([shard], executables[i] as BoundExecutable);
    });
  }

  /**
   * Runs all units of the worker at the same time, each with its own memory and slot: none goes on before the others come.
   */
  #runMeeting(
    rank: number,
    { work, order }: ReductionTree,
    exchange: SharedMemory,
    batch: StepBatch,
    owner: ShardOwner,
  ): void {
    const groups = work[rank] ?? [];
    const units = groups.flatMap((group) => group.units);
    if (units.length === 0) return;
    const shards = units.map(([first]) => first as number);
    const slots = groups.flatMap((group) => group.slots);
    const executables = units.map((unit, instance) => this.#load(unit, instance, batch, owner));
    const bounds = BoundExecutable.runShards(
      executables,
      shards.map((shard, i) => this.#memoryOf(shard, slots[i] as number)),
      shards.map((shard) => randomOf(shard, batch)),
      Int32Array.from(shards),
      {
        exchange: viewInto(exchange) as Uint8Array,
        program: order,
        barrier: this.control.exchangeBarrier,
        parties: work.filter(({ length }) => length > 0).length,
        waiting: this.control.waitingWord(rank),
      },
      this.recorder,
    );
    units.forEach((unit, i) => {
      this.#finish(unit, bounds[i] as number, executables[i] as BoundExecutable, batch, owner);
    });
    this.recorder?.end('gradients');
  }

  /** @param most the largest magnitude of what was stored */
  #finish(
    unit: readonly number[],
    most: number,
    executable: BoundExecutable,
    batch: StepBatch,
    owner: ShardOwner,
  ): void {
    for (const shard of unit) this.#magnitudes[shard] = 0;
    this.#magnitudes[unit[0] as number] = this.#boundOf(most, unit, batch);
    owner.finish(unit, executable);
  }

  #memoryOf(shard: number, slot: number): ShardMemory {
    const key = `${shard}/${slot}`;
    let memory = this.#memories.get(key);
    if (!memory) {
      const { gradients, factors } = this.job;
      const own = { gradients: gradients[slot] as SharedMemory };
      memory = factors ? { ...own, factors: { memory: factors.memory, shard } } : own;
      this.#memories.set(key, memory);
    }
    return memory;
  }

  /** An upper bound of the magnitudes of all gradients, from one of those that are stored and of all factors. */
  #boundOf(most: number, [first = 0, ...others]: readonly number[], { count, shards }: StepBatch): number {
    const { factors } = this.job;
    if (!factors || most === Number.POSITIVE_INFINITY) return most;
    const rows = shardRows(count, shards, first).count * (1 + others.length);
    const perRow = Math.max(...factors.layout.products.map((product) => product.perRow));
    // Twice, because each sum may be rounded up. Finite, as only the sums themselves can tell that they are not.
    const bound = Math.min(2 * rows * perRow * most * most, Number.MAX_VALUE);
    return Math.max(most, bound);
  }

  #load(shards: readonly number[], instance: number, batch: StepBatch, owner: ShardOwner): BoundExecutable {
    const executable = owner.load(shards, instance);
    const { count } = shardRows(batch.count, batch.shards, shards[0] as number);
    // Each shard's mean is weighted by its share of the batch, because shards may be unequal.
    executable.array('weight')[0] = count / batch.count;
    if (batch.unit !== undefined) executable.array('multiple')[0] = count / batch.unit;
    this.recorder?.end('load');
    return executable;
  }
}

function randomOf(shard: number, { count, shards, seed, step }: StepBatch): RandomState {
  return { seed, step, sampleOffset: shardRows(count, shards, shard).start };
}

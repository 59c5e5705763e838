import type { TypedArray } from '../graph/dtype.js';
import { addon } from '../runtime/addon.js';
import type { BoundExecutable } from './bound-plan.js';
import type { SharedMemory } from './job.js';
import type { Recorder } from './recorder.js';
import { ADD, type ShardStep } from './reduction.js';
import { shardRows } from './shards.js';
import { viewInto } from './shared-memory.js';

/** The sum of two slots. */
const PAIR = Int32Array.of(0, 1, ADD);

/** A batch whose shards are computed. */
export interface Batch {
  /** The number of its rows. */
  readonly count: number;
  /** The parts that it is cut into. */
  readonly shards: number;
  /** What random numbers depend on besides the place of a sample. */
  readonly seed: number;
  readonly step: number;
}

/** Where the rows of shards come from, and who takes what is computed besides gradients. */
export interface ShardOwner {
  /** The plan for a shard, with its rows as inputs. */
  load(shard: number): BoundExecutable;
  /** Called when the plan has run. */
  finish(shard: number, executable: BoundExecutable): void;
}

/** Computes one worker's shards of batches, and adds their gradients in slots as far as it can alone. */
export class BatchRunner {
  readonly #slots: readonly TypedArray[];

  constructor(
    private readonly gradients: readonly SharedMemory[],
    private readonly recorder?: Recorder,
  ) {
    this.#slots = gradients.map((slot) => viewInto(slot));
  }

  run(work: readonly ShardStep[], batch: Batch, owner: ShardOwner): void {
    for (const item of work) {
      if (item.kind === 'compute') {
        this.#compute(item.shard, this.gradients[item.slot] as SharedMemory, batch, owner);
      } else {
        const [to, from] = [this.#slots[item.to] as TypedArray, this.#slots[item.slot] as TypedArray];
        addon.combine(to, [to, from], PAIR, 0, to.length);
        this.recorder?.end('sum');
      }
    }
  }

  #compute(shard: number, slot: SharedMemory, batch: Batch, owner: ShardOwner): void {
    const executable = owner.load(shard);
    this.recorder?.end('load');
    const { start, count } = shardRows(batch.count, batch.shards, shard);
    // Each shard's mean counts by its share of the batch, so that unequal shards weigh right.
    executable.array('weight')[0] = count / batch.count;
    executable.run(slot, { seed: batch.seed, step: batch.step, sampleOffset: start });
    owner.finish(shard, executable);
    this.recorder?.end('gradients');
  }
}

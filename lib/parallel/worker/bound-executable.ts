import { type TypedArray, viewOf } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import { addon, type MarkArguments } from '../../runtime/addon.js';
import { Executable, type Meeting, type RandomState } from '../../runtime/executable.js';
import type { BoundPlan, SharedMemory, Source } from '../protocol/job.js';
import { measuredOf, resultsOf } from '../protocol/results.js';
import type { LocalMemory } from './local-memory.js';
import type { Recorder } from './recorder.js';

/** Where a shard leaves its results. */
export interface ShardMemory {
  /** The slot for its gradients. */
  readonly gradients: SharedMemory;
  /** The memory for the factors of all shards, and the shard; left out where gradients have none. */
  readonly factors?: { readonly memory: SharedMemory; readonly shard: number };
}

/** A bound plan in a worker; the memory of its bindings is resolved once for each place where a shard leaves its results. */
export class BoundExecutable {
  readonly #executable: Executable;
  readonly #measured: Int32Array;
  readonly #bindings = new Map<ShardMemory | null, TypedArray[]>();
  readonly #named = new Map<string, TypedArray>();
  #results: { readonly value: Int32Array | null } | undefined;

  constructor(
    private readonly bound: BoundPlan,
    private readonly local: LocalMemory,
    private readonly recorder?: Recorder,
  ) {
    this.#measured = measuredOf(bound);
    const measured = this.#measured.length > 0 ? this.#measured : undefined;
    this.#executable = new Executable(bound.plan, local.arena, measured);
  }

  /**
   * Runs the plan; gradients and factors go to the given memory, and the mark is set at the end. Returns an upper bound of
   * their magnitudes, infinite if one is not finite.
   */
  run(shard: ShardMemory | null, random: RandomState, mark: MarkArguments = []): number {
    const bindings = this.#bindingsOf(shard);
    if (!this.recorder) return this.#executable.run(bindings, random, ...mark);
    this.recorder.run(this.bound.plan, this.#executable, bindings, random, mark);
    return this.#largestOf(bindings);
  }

  /** The largest magnitude of the gradients of a run whose steps were timed, which it does not measure itself. */
  #largestOf(bindings: readonly TypedArray[]): number {
    let most = 0;
    for (let i = 0; i < this.#measured.length; i += 4) {
      const [, binding = 0, start = 0, end = 0] = this.#measured.subarray(i, i + 4);
      most = Math.max(most, addon().largest(bindings[binding] as TypedArray, start, end));
    }
    return most;
  }

  /** The gradients that several runs of the plan can add up on the way, or null: see `resultsOf`. */
  get results(): Int32Array | null {
    this.#results ??= { value: resultsOf(this.bound, this.#executable.summingSteps) };
    return this.#results.value;
  }

  /**
   * Runs the same plan in several executables, each with its own gradient slot. The first slot receives the sum, in the
   * order of the postfix program. Returns an upper bound of its magnitudes, as `run` does.
   */
  static runTogether(
    executables: readonly BoundExecutable[],
    shards: readonly ShardMemory[],
    randoms: readonly RandomState[],
    program: Int32Array,
  ): number {
    return Executable.runTogether(
      executables.map((one) => one.#executable),
      executables.map((one, i) => one.#bindingsOf(shards[i] as ShardMemory)),
      randoms,
      program,
      executables[0]?.results as Int32Array,
    );
  }

  /**
   * Runs a worker's shards of a batch, each in an executable and a slot of its own; they wait for the shards of other
   * workers. Returns an upper bound of the magnitudes of each one's gradients, as `run` does.
   */
  static runShards(
    executables: readonly BoundExecutable[],
    memories: readonly ShardMemory[],
    randoms: readonly RandomState[],
    shards: Int32Array,
    meeting: Meeting,
    recorder?: Recorder,
  ): number[] {
    const own = executables.map((one) => one.#executable);
    const bindings = executables.map((one, i) => one.#bindingsOf(memories[i] as ShardMemory));
    const run = (milliseconds?: Float64Array) =>
      Executable.runShards(own, bindings, randoms, shards, meeting, milliseconds);
    if (!recorder) return run();
    recorder.runShards(
      executables.map((one) => one.bound.plan),
      run,
    );
    return executables.map((one, i) => one.#largestOf(bindings[i] as TypedArray[]));
  }

  #bindingsOf(shard: ShardMemory | null): TypedArray[] {
    let bindings = this.#bindings.get(shard);
    if (!bindings) {
      bindings = this.bound.sources.map((source, i) => this.#resolve(source, i, shard));
      this.#bindings.set(shard, bindings);
    }
    return bindings;
  }

  /** The local array of the binding with this name. */
  array(name: string): TypedArray {
    let array = this.#named.get(name);
    if (!array) {
      const index = this.#indexOf(name);
      array = this.#resolve(this.bound.sources[index] as Source, index, null);
      this.#named.set(name, array);
    }
    return array;
  }

  /** True if the plan has a local array of this name. */
  has(name: string): boolean {
    return this.#indexOf(name) >= 0;
  }

  /** Binds the local array of this name to another array from now on. */
  use(name: string, array: TypedArray): void {
    this.#named.set(name, array);
    const index = this.#indexOf(name);
    for (const bindings of this.#bindings.values()) bindings[index] = array;
  }

  /** Frees the plan. It runs no more. */
  release(): void {
    this.#executable.release();
  }

  #indexOf(name: string): number {
    return this.bound.sources.findIndex((source) => source.kind === 'local' && source.name === name);
  }

  #resolve(source: Source, index: number, shard: ShardMemory | null): TypedArray {
    const binding = this.bound.plan.bindings[index];
    if (!binding) throw new RangeError(`the plan has no binding ${index}`);
    const elements = sizeOf(binding.shape);
    switch (source.kind) {
      case 'shared':
        return viewOf(binding.dtype, source.buffer, source.byteOffset, elements);
      case 'gradient': {
        const { buffer, byteOffset } = (shard as ShardMemory).gradients;
        return viewOf(binding.dtype, buffer, byteOffset + source.byteOffset, elements);
      }
      case 'factor': {
        const { memory, shard: index } = (shard as Required<ShardMemory>).factors;
        const start = memory.byteOffset + source.byteOffset + index * source.shardBytes;
        return viewOf(binding.dtype, memory.buffer, start, elements);
      }
      case 'local':
        return this.#named.get(source.name) ?? this.local.array(source.name, binding.dtype, elements);
      case 'constant':
        return binding.data as TypedArray;
    }
  }
}

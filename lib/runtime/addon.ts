import { isMainThread } from 'node:worker_threads';
import type { CallFacts, Operation } from '../compile/plan/kernels.js';
import type { DType, TypedArray } from '../graph/dtype.js';
import { withErrors } from './addon-errors.js';
import { loadAddon } from './loader/load-addon.js';

/** An executable: a plan inside the addon, with its arena. */
export type PlanHandle = { readonly __plan: never };

/** An arena inside the addon that plans may share. */
export type ArenaHandle = { readonly __arena: never };

/** A word that is set as soon as the work is done, before anything that could end the thread. */
export type MarkArguments = [] | [marks: Int32Array, markIndex: number, markValue: number];

/** A part of a file that is mapped into memory. */
export type FileHandle = { readonly __file: never };

/** A way to move memory, and the number of arrays that it reads and writes. */
export interface Move {
  readonly name: 'read' | 'write' | 'copy' | 'add';
  readonly reads: number;
  readonly writes: number;
}

/** The numbers that both languages need: the addon's, which others ask for instead of holding their own. */
export interface AddonConstants {
  /** The number of words of a barrier's state, and the outcomes of a wait; after a timeout, wait again. */
  readonly barrier: {
    readonly words: number;
    readonly passed: number;
    readonly timedOut: number;
    readonly aborted: number;
  };
  /** The word of a postfix program that adds two values, and the most runs of a plan that are summed together. */
  readonly sums: {
    readonly add: number;
    readonly mostRuns: number;
    readonly stripRows: number;
    /** True if a row of a product has the same bits whatever the other rows are: the addon multiplies by itself. */
    readonly ownProducts: boolean;
  };
  readonly transforms: {
    /** In the order of their codes. */
    readonly names: readonly string[];
    /** The paddings of a crop, in the order of their codes. */
    readonly paddings: readonly string[];
    /** The most transforms of a program. */
    readonly most: number;
    /** Keeps the random numbers of transforms apart from any other use of the same seed. */
    readonly stream: number;
  };
}

/**
 * The native functions. Each validates its arguments and throws a ChainruleError that names the invalid one, but a plain
 * Error for a plan that does not fit its kernels, which is a bug of the compiler.
 */
export interface Addon {
  /** The version of the package that the addon was built for. */
  readonly version: string;
  /** The numbers that both languages need. */
  readonly constants: AddonConstants;
  /** The operations of the vector machine, in the order in which fusions are tried. */
  operations(): Operation[];
  /** What the kernel of a step, in the form of `encodeStep`, needs. The same on every processor. */
  callFacts(step: object): CallFacts;
  /** Bytes that the kernels of a plan, in the form of `encodePlan`, allocate for themselves. */
  scratchBytes(plan: object): number;
  /** Creates an arena that plans share. It grows to the largest that runs in it; two runs at a time are refused. */
  createArena(): ArenaHandle;
  /** Frees the memory of an arena until a plan runs in it again. Refused while one does. */
  releaseArena(arena: ArenaHandle): void;
  /**
   * Decodes a plan in the flat form that `encodePlan` writes. Allocates no memory for the arena yet.
   *
   * @param arena where it runs; by default a new one
   * @param results as of `runTogether`, those that `run` measures; a step past the last is for results that are complete
   *   at the end
   */
  createPlan(plan: object, arena?: ArenaHandle, results?: Int32Array): PlanHandle;
  /**
   * Runs a plan on this thread. The word `marks[markIndex]` is set on completion, and a run with a mark is not aborted
   * (see `abortRunsBy`), because what it changes in place could not be done again. Returns an upper bound of the magnitudes
   * of the plan's results: infinite if any of them is NaN or infinite, and 0 if it has none.
   */
  run(
    handle: PlanHandle,
    bindings: readonly TypedArray[],
    context: Uint32Array,
    ...mark: MarkArguments
  ): number;
  /** As `run`, and adds the time of each step to its clock; the steps of a loop's body follow the loop. */
  runTimed(
    handle: PlanHandle,
    bindings: readonly TypedArray[],
    context: Uint32Array,
    milliseconds: Float64Array,
    ...mark: MarkArguments
  ): void;
  /** The steps that can accumulate their results over several runs. */
  summingSteps(handle: PlanHandle): number[];
  /**
   * Runs executables of one plan, each on its bindings and its four words of `contexts`, and accumulates results in the
   * bindings of the first, in the order of a postfix program over the runs. `results` has four words per result: the
   * step that writes it, its binding, its first element and its end. Returns an upper bound of the magnitudes of these
   * sums: infinite if any of them is NaN or infinite.
   */
  runTogether(
    handles: readonly PlanHandle[],
    bindings: readonly (readonly TypedArray[])[],
    contexts: Uint32Array,
    program: Int32Array,
    results: Int32Array,
  ): number;
  /**
   * Runs plans of shards of one batch on this thread, each on its bindings and its four words of `contexts`. At their
   * all-reduces they wait for each other, and for the shards of other threads. Returns an upper bound of the magnitudes of
   * each plan's results, as `run` does, or 0 for runs that are timed.
   *
   * @param shards the number of each plan's shard
   * @param exchange memory that all threads share: for each shard of the batch, `allReducedBytes`
   * @param program the order in which the values of the shards are added, in postfix
   * @param barrier where the `parties` threads meet
   * @param waiting a word that is 1 while this thread waits for the others
   * @param milliseconds the clocks of all plans, one plan after another, as of `runTimed`
   */
  runShards(
    handles: readonly PlanHandle[],
    bindings: readonly (readonly TypedArray[])[],
    contexts: Uint32Array,
    shards: Int32Array,
    exchange: Uint8Array,
    program: Int32Array,
    barrier: Int32Array,
    parties: number,
    waiting: Int32Array,
    milliseconds?: Float64Array,
  ): number[];
  /** The bytes of `exchange` that a shard with this plan takes; 0 without all-reduces. */
  allReducedBytes(handle: PlanHandle): number;
  /**
   * Runs a plan on a thread of the libuv pool; resolves to the milliseconds that the steps took. It is aborted with the
   * barrier, if there is one, and when this thread is terminated.
   */
  runAsync(
    handle: PlanHandle,
    bindings: readonly TypedArray[],
    context: Uint32Array,
    barrier?: Int32Array,
  ): Promise<number>;
  /** Frees a plan, which is of no use afterwards, but not an arena that it shares. Refused while it is running. */
  releasePlan(handle: PlanHandle): void;
  /** Gives the freed memory that the allocator keeps back to the system. */
  trimMemory(): void;
  /** Arrives at the barrier; returns the ticket to wait with. */
  barrierArrive(state: Int32Array, parties: number): number;
  /** Waits for the other parties; the outcome is one of `constants.barrier`. */
  barrierWait(state: Int32Array, ticket: number, parties: number, timeoutMs: number): number;
  /** Releases all parties that wait or will wait at the barrier. */
  barrierAbort(state: Int32Array): void;
  /** True if the barrier was aborted. */
  barrierAborted(state: Int32Array): boolean;
  /**
   * From now on, the runs and sums that this thread makes without a mark are aborted with a barrier, or with none. They
   * look for it between blocks of work, and throw an error with the code ERR_CHAINRULE_WORKER_RELEASED. When the thread
   * is terminated they end in any case.
   *
   * @param look number of the look, counted from now, that finds an abort even without one: a repeatable abort
   */
  abortRunsBy(barrier?: Int32Array, look?: number): void;
  /** The number of looks since `abortRunsBy`. */
  looks(): number;
  /** Aborts all runs and sums of the process that are under way, except those with a mark. */
  abortAllRuns(): void;
  /**
   * output[i] = the sum of the sources' elements i, in the order of a postfix program: numbers from 0 are sources, and
   * `constants.sums.add` adds the two values before it. `ranges` has pairs of start and end (exclusive). The word
   * `marks[markIndex]` is set on completion.
   */
  combine(
    output: TypedArray,
    sources: readonly TypedArray[],
    program: Int32Array,
    ranges: Float64Array,
    ...mark: MarkArguments
  ): void;
  /** The largest magnitude of some elements of a float array; infinite if any of them is NaN or infinite. */
  largest(array: TypedArray, start: number, end: number): number;
  /**
   * Asks the system for huge pages for an array's memory, before it is touched: vectors over megabytes of it are then read
   * and written at up to three times the rate. No effect on a system without any.
   */
  adviseHugePages(array: TypedArray): void;
  /** The address of an array's first byte modulo `modulus`. */
  addressModulo(array: TypedArray, modulus: number): number;
  /** Number of trainings in this process after a change by 1, -1 or 0. What a thread added ends with the thread. */
  trainings(change: -1 | 0 | 1): number;
  /** Copies row `indices[start + i]` of the source to row `i` of the destination, for `count` rows. */
  gatherRows(
    destination: TypedArray,
    source: TypedArray | FileHandle,
    indices: Int32Array,
    start: number,
    count: number,
    rowElements: number,
  ): void;
  /**
   * Opens elements of a file, from a byte offset on, as a source of rows. Closed on garbage collection.
   *
   * @param stamp the state that the file must have, as `fileStamp` gave it; '' for any
   */
  mapFile(path: string, offset: number, elements: number, dtype: DType, stamp: string): FileHandle;
  /** Tells which file was opened, and its state then. */
  fileStamp(file: FileHandle): string;
  /** Closes a file at once. */
  unmapFile(file: FileHandle): void;
  /**
   * Takes the exclusive lock of an open file, which the system releases when the file is closed or the process ends.
   * Returns 0, or the number of the system's error, at once: `EWOULDBLOCK` if another open file has the lock.
   */
  lockFile(descriptor: number): number;
  /** Tells the system that these rows of a file are needed soon; no effect on a typed array. */
  adviseRows(
    source: TypedArray | FileHandle,
    indices: Int32Array,
    start: number,
    count: number,
    rowElements: number,
  ): void;
  /**
   * Writes the transformed row `indices[start + i]` to row `i` of the destination, for `count` rows. With `gathered`,
   * the source holds just these rows, in this order.
   *
   * @param program see `lib/data/transforms/program.ts`
   * @param scratch room for two of the largest intermediate images
   * @param key the words of the seed, low word first, the epoch, and the offset added to the indices that random
   *   numbers depend on
   */
  augmentRows(
    destination: Float32Array,
    source: TypedArray | FileHandle,
    indices: Int32Array,
    start: number,
    count: number,
    gathered: boolean,
    program: Float64Array,
    scratch: Float32Array,
    key: Uint32Array,
  ): void;
  /** row i = lambda * row i + (1 - lambda) * row (i - 1), from the original rows; `before` precedes the first. */
  mixRows(rows: Float32Array, before: Float32Array, count: number, rowElements: number, lambda: number): void;
  /**
   * The rate of a loop that multiplies and adds float32 vectors in registers on this thread, in 10^9 operations per
   * second: that of the quickest stretch within about `milliseconds`, as all probes.
   */
  probeMultiplyAdd(milliseconds: number): number;
  /** The moves that can be probed. One that comes twice can store its results past the caches. */
  probeMoves(): Move[];
  /**
   * The rate at which a move reads and writes whole arrays of one length on this thread, in 10^9 bytes per second. The
   * arrays begin with cache lines, and their length is a multiple of 256.
   *
   * @param move its place in `probeMoves()`
   */
  probeMove(move: number, a: Float32Array, b: Float32Array, out: Float32Array, milliseconds: number): number;
  /**
   * The milliseconds of a product of matrices by the BLAS.
   *
   * @param shape rows, columns, depth, and 1 for each of `a` and `b` that is stored transposed, or else 0
   */
  probeBlas(
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    shape: Int32Array,
    milliseconds: number,
  ): number;
  /** The instruction set of the selected kernels. */
  isa(): string;
  /** The instruction sets that this machine supports. */
  isas(): string[];
  /** The BLAS library, as it describes itself. */
  blas(): string;
  /** Whether plans take subnormal numbers for zero, as CHAINRULE_SUBNORMALS says. */
  subnormals(): 'flush' | 'keep';
}

let loaded: Addon | undefined;

/**
 * The native addon of this package, loaded at the first call in each thread: models can be made and printed without it.
 *
 * @throws if it cannot be loaded, with what to do
 */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const native = loadAddon() as Addon;
  // The process waits for the threads of the pool and of trainings before it ends.
  if (isMainThread) process.once('exit', () => native.abortAllRuns());
  return withErrors(native);
}

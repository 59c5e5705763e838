import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { DType, TypedArray } from '../graph/dtype.js';
import { ChainruleError } from '../graph/errors.js';
import { packageRoot } from './package-root.js';

/** A plan inside the addon, with its arena. */
export type PlanHandle = { readonly __plan: never };

/** Memory inside the addon that plans share. */
export type ArenaHandle = { readonly __arena: never };

/** A word that is set to a value when the work is done, with nothing in between that could end the thread. */
export type MarkArguments = [] | [marks: Int32Array, markIndex: number, markValue: number];

/** A part of a file that the addon has mapped. */
export type FileHandle = { readonly __file: never };

/** The native functions. Each checks its arguments and throws an Error that names what does not fit. */
export interface Addon {
  /** Memory that plans share. It grows to the largest of those that run in it; two at a time are refused. */
  createArena(): ArenaHandle;
  /**
   * Decodes a plan, in the flat form that `encodePlan` writes. Takes no memory for the arena yet.
   *
   * @param arena where it runs; left out, it has one of its own
   */
  createPlan(plan: object, arena?: ArenaHandle): PlanHandle;
  /** Runs a plan on this thread. The word `marks[markIndex]` is set when it is done. */
  run(
    handle: PlanHandle,
    bindings: readonly TypedArray[],
    context: Uint32Array,
    ...mark: MarkArguments
  ): void;
  /** The same, and adds the time of each step to its clock; the steps of a loop's body stand behind the loop. */
  runTimed(
    handle: PlanHandle,
    bindings: readonly TypedArray[],
    context: Uint32Array,
    milliseconds: Float64Array,
  ): void;
  /** The steps that can add up their results over several runs. */
  summingSteps(handle: PlanHandle): number[];
  /**
   * Runs handles of one plan, each on its bindings and its four words of the contexts, and adds up results in the bindings of
   * the first, in the order of a program in postfix over the runs. Four words for each result: the step that writes it, its
   * binding, the first element and the end.
   */
  runTogether(
    handles: readonly PlanHandle[],
    bindings: readonly (readonly TypedArray[])[],
    contexts: Uint32Array,
    program: Int32Array,
    results: Int32Array,
  ): void;
  /** Runs a plan on a thread of the libuv pool, and gives the milliseconds that the steps took. */
  runAsync(handle: PlanHandle, bindings: readonly TypedArray[], context: Uint32Array): Promise<number>;
  /** Frees the memory of the arena, until a plan runs in it again. */
  releasePlan(handle: PlanHandle): void;
  /** Joins the barrier; gives the ticket to wait with. */
  barrierArrive(state: Int32Array, parties: number): number;
  /** Waits for the others: 0 = all are there, 1 = not within the time (wait again), 2 = aborted. */
  barrierWait(state: Int32Array, ticket: number, parties: number, timeoutMs: number): 0 | 1 | 2;
  /** Releases everyone who waits or will wait at the barrier. */
  barrierAbort(state: Int32Array): void;
  /**
   * output[i] = the sum of the sources' elements i, start <= i < end, in the order of a program in postfix: numbers from 0
   * are sources, -1 adds the two values before it. The word `marks[markIndex]` is set when it is done.
   */
  combine(
    output: TypedArray,
    sources: readonly TypedArray[],
    program: Int32Array,
    start: number,
    end: number,
    ...mark: MarkArguments
  ): void;
  /** The address of an array's first byte modulo a number. */
  addressModulo(array: TypedArray, modulus: number): number;
  /** How many trainings this process runs, after a change by 1, -1 or 0. A thread that ends takes back what it added. */
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
  /** Maps elements of a file from a byte on, to be read as a source of rows. Unmapped when it is garbage. */
  mapFile(path: string, offset: number, elements: number, dtype: DType): FileHandle;
  /** Gives the memory of a file back at once. */
  unmapFile(file: FileHandle): void;
  /** Tells the system that these rows of a file are needed soon; nothing for a typed array. */
  adviseRows(
    source: TypedArray | FileHandle,
    indices: Int32Array,
    start: number,
    count: number,
    rowElements: number,
  ): void;
  /**
   * Writes what becomes of row `indices[start + i]` to row `i` of the destination, for `count` rows. With `gathered`, the
   * source holds just these rows, in this order.
   *
   * @param program of `lib/data/transform-program.ts`
   * @param scratch two of the largest images on the way
   * @param key the words of the seed, low word first, the epoch, and what is added to the indices that random numbers
   *   depend on
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
  /** row i = lambda * row i + (1 - lambda) * row i - 1, each as it was; before the first stands `before`. */
  mixRows(rows: Float32Array, before: Float32Array, count: number, rowElements: number, lambda: number): void;
  /** The instruction set that the kernels were picked for. */
  isa(): string;
  /** The instruction sets that this machine could use. */
  isas(): string[];
  /** The BLAS library, as it describes itself. */
  blas(): string;
}

/** The native addon of this package. Every thread loads it once. */
export const addon: Addon = load();

function load(): Addon {
  const require = createRequire(import.meta.url);
  const forced = process.env.CHAINRULE_ADDON;
  try {
    if (forced) return require(forced) as Addon;
    const nodeGypBuild = require('node-gyp-build') as (directory: string) => Addon;
    return nodeGypBuild(fileURLToPath(packageRoot));
  } catch (cause) {
    const found = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new ChainruleError(
      'addon',
      'the native addon must be built',
      `chainrule: the native addon could not be loaded (${found}). Build it with "npm rebuild chainrule" in your ` +
        'project, or "npm run setup" in a clone. It needs a C++ compiler, CMake and OpenBLAS ' +
        '(Debian: apt-get install g++ make cmake libopenblas-dev).',
      undefined,
      { cause },
    );
  }
}

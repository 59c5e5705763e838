import { allReducesOf, type Plan, type Step } from '../compile/plan/plan.js';
import { bytesPerElement, type TypedArray } from '../graph/dtype.js';
import { failed, invalid } from '../graph/errors.js';
import { addon, type MarkArguments, type PlanHandle } from './addon.js';
import { Arena } from './arena.js';
import { encodePlan } from './encode.js';
import { formatBytes } from './memory-size.js';
import { type AvailableMemory, availableMemory } from './usable-memory.js';

/** The state that determines a run's random numbers. */
export interface RandomState {
  readonly seed: number;
  readonly step: number;
  /** The global index of the run's first sample. Default 0. */
  readonly sampleOffset?: number;
}

/** Where the threads that run shards of one batch meet: see `addon.runShards`. */
export interface Meeting {
  readonly exchange: Uint8Array;
  readonly program: Int32Array;
  readonly barrier: Int32Array;
  readonly parties: number;
  readonly waiting: Int32Array;
}

/** The cost of a hop to another thread and back, in milliseconds. */
const HOP_MS = 0.3;

/** Words of a `RandomState`, of which the seed takes two. */
const CONTEXT_WORDS = 4;

/** A plan that is ready to run on this thread. The arena's memory is allocated at the first run and kept. */
export class Executable {
  readonly #handle: PlanHandle;
  /** The arena, if no other plan shares it. */
  readonly #ownArena: Arena | undefined;
  readonly #context = new Uint32Array(CONTEXT_WORDS);
  /** The duration of the last run timed by `runWhereCheapest`. */
  #lastMs = Number.POSITIVE_INFINITY;

  /**
   * @param shared an arena of plans that never run at the same time; by default a new one
   * @param measured results whose magnitudes `run` returns: see `addon.createPlan`
   */
  constructor(plan: Plan, shared?: Arena, measured?: Int32Array) {
    const arena = shared ?? new Arena();
    this.#ownArena = shared ? undefined : arena;
    const outputs = plan.bindings.filter(({ kind }) => kind === 'output');
    const growth = Math.max(0, plan.arenaBytes - arena.bytes);
    requireMemory(outputs.reduce((sum, { bytes }) => sum + bytes, growth));
    arena.grow(plan.arenaBytes);
    this.#handle = addon().createPlan(encodePlan(plan), arena.handle, measured);
  }

  /**
   * Runs on this thread. `bindings` are in the order of `plan.bindings`; the mark is set on completion. Returns an upper
   * bound of the magnitudes of the measured results.
   */
  run(bindings: readonly TypedArray[], random: RandomState, ...mark: MarkArguments): number {
    return addon().run(this.#handle, bindings, this.#words(random), ...mark);
  }

  /** The steps that can accumulate their results when several executables of the same plan run together. */
  get summingSteps(): readonly number[] {
    return addon().summingSteps(this.#handle);
  }

  /**
   * Runs executables of the same plan on this thread and accumulates results in the bindings of the first: see
   * `addon.runTogether`.
   */
  static runTogether(
    executables: readonly Executable[],
    bindings: readonly (readonly TypedArray[])[],
    randoms: readonly RandomState[],
    program: Int32Array,
    results: Int32Array,
  ): number {
    const handles = executables.map((executable) => executable.#handle);
    const contexts = Executable.#contextsOf(executables, randoms);
    return addon().runTogether(handles, bindings, contexts, program, results);
  }

  /**
   * Runs the executables of this thread's shards of a batch, which wait for those of other threads at all-reduces. Returns
   * an upper bound of the magnitudes of each one's results: see `addon.runShards`.
   */
  static runShards(
    executables: readonly Executable[],
    bindings: readonly (readonly TypedArray[])[],
    randoms: readonly RandomState[],
    shards: Int32Array,
    { exchange, program, barrier, parties, waiting }: Meeting,
    milliseconds?: Float64Array,
  ): number[] {
    return addon().runShards(
      executables.map((executable) => executable.#handle),
      bindings,
      Executable.#contextsOf(executables, randoms),
      shards,
      exchange,
      program,
      barrier,
      parties,
      waiting,
      milliseconds,
    );
  }

  static #contextsOf(executables: readonly Executable[], randoms: readonly RandomState[]): Uint32Array {
    const contexts = new Uint32Array(CONTEXT_WORDS * executables.length);
    executables.forEach((executable, i) => {
      contexts.set(executable.#words(randoms[i] as RandomState), CONTEXT_WORDS * i);
    });
    return contexts;
  }

  /** As `run`, and adds the time of each step to its clock: see `clockedSteps`. Measures no results. */
  runTimed(
    bindings: readonly TypedArray[],
    random: RandomState,
    milliseconds: Float64Array,
    ...mark: MarkArguments
  ): void {
    addon().runTimed(this.#handle, bindings, this.#words(random), milliseconds, ...mark);
  }

  /** True if `runWhereCheapest` will run on this thread. */
  get isShort(): boolean {
    return this.#lastMs <= HOP_MS;
  }

  /**
   * Runs on a thread of the libuv pool, which keeps this one free, or on this one if the last run took less time than
   * the hop to that thread and back. The bindings must not be touched until it is done.
   */
  async runWhereCheapest(bindings: readonly TypedArray[], random: RandomState): Promise<void> {
    if (!this.isShort) {
      this.#lastMs = await this.runAsync(bindings, random);
      return;
    }
    this.runShort(bindings, random);
  }

  /** The same for a run that is short. */
  runShort(bindings: readonly TypedArray[], random: RandomState): void {
    const start = performance.now();
    this.run(bindings, random);
    this.#lastMs = performance.now() - start;
  }

  /**
   * Runs on a thread of the libuv pool; the bindings must not be touched until it is done.
   *
   * @returns the milliseconds that the steps took
   */
  async runAsync(bindings: readonly TypedArray[], random: RandomState): Promise<number> {
    return addon().runAsync(this.#handle, bindings, this.#words(random));
  }

  /** Frees the plan at once, and its arena unless it is shared. The executable must not be running, and runs no more. */
  release(): void {
    addon().releasePlan(this.#handle);
    this.#ownArena?.release();
  }

  #words({ seed, step, sampleOffset = 0 }: RandomState): Uint32Array {
    this.#context[0] = seed;
    this.#context[1] = Math.floor(seed / 2 ** 32);
    this.#context[2] = step;
    this.#context[3] = sampleOffset;
    return this.#context;
  }
}

/** The steps of a plan that can accumulate their results when several executables of it run together. */
export function summingSteps(plan: Plan): readonly number[] {
  return addon().summingSteps(addon().createPlan(encodePlan(plan)));
}

/** Bytes that a shard with this plan exchanges with others: see `addon.runShards`. */
export function allReducedBytes(plan: Plan): number {
  return allReducesOf(plan).length === 0 ? 0 : addon().allReducedBytes(addon().createPlan(encodePlan(plan)));
}

/** The steps of a plan in the order of their clocks: those of a loop's body follow the loop. */
export function clockedSteps({ steps }: Plan): Step[] {
  return steps.flatMap((step) => (step.kernel === 'scan' ? [step, ...clockedSteps(step.body)] : [step]));
}

/** Checks that the element size and the length of an array fit a binding, and returns the array. */
export function requireBinding(plan: Plan, index: number, array: TypedArray): TypedArray {
  const binding = plan.bindings[index];
  if (!binding) throw invalid('run', `the plan has ${plan.bindings.length} bindings`, index);
  const { name, dtype, bytes } = binding;
  if (array.byteLength !== bytes || array.BYTES_PER_ELEMENT !== bytesPerElement(dtype)) {
    throw invalid('run', `${name} must be ${bytes} bytes of ${dtype}`, `${array.byteLength} bytes`);
  }
  return array;
}

/**
 * Bytes that are allocated without a question: limits are read from a dozen files, which takes longer than a small plan,
 * such as the one that each parameter's initial values have.
 */
const UNQUESTIONED = 2 ** 20;

/** Throws if the process may not use this many bytes, instead of letting the system kill it later. */
export function requireMemory(bytes: number, memory: () => AvailableMemory = availableMemory): void {
  if (bytes < UNQUESTIONED) return;
  const { available, bytes: limit, reason } = memory();
  if (bytes <= available) return;
  const left = `${available} are available of ${formatBytes(limit)} (${reason})`;
  throw failed(
    'ERR_CHAINRULE_MEMORY',
    'plan',
    `not enough memory: the plan needs ${bytes} bytes and ${left}`,
  );
}

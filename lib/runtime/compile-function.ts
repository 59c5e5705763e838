import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import type { TypedArray } from '../graph/dtype.js';
import { formatType } from '../graph/errors.js';
import type { Storage } from '../graph/storage.js';
import { Tensor } from '../graph/tensor.js';
import { Arena } from './arena.js';
import { CompiledEntry } from './cache/compiled-entry.js';
import { cacheLimit, PlanCache } from './cache/plan-cache.js';
import { execute, executeNow } from './cache/run-entry.js';
import { Snapshot } from './inference/snapshot.js';
import { type MemorySize, memorySize, resolveMemory } from './memory-size.js';
import { Queue } from './queue.js';
import {
  type ArgumentFor,
  argumentsFrom,
  argumentsLike,
  concreteValue,
  flatArguments,
  type Result,
  type ResultLike,
  storedValues,
  type TensorArgument,
} from './traced-results.js';

/**
 * A compiled function: it takes the same arguments, tensors and records of tensors, and resolves to the same results, as
 * concrete tensors. Data that `tensor` accepts stand for tensors.
 */
export interface CompiledFunction<Arguments extends readonly object[], R extends ResultLike<R>> {
  (...args: { [K in keyof Arguments]: ArgumentFor<Arguments[K]> }): Promise<R>;
  /** Bytes that the plans of all shapes take now, with their arena. */
  readonly heldBytes: number;
  /**
   * Gives back the memory of all plans, once pending calls are done. A later call compiles the function again.
   */
  release(): void;
  [Symbol.dispose](): void;
}

/** A function that was compiled for inference. `heldBytes` counts its snapshot, and `release` gives it back. */
export interface InferenceFunction<Arguments extends readonly object[], R extends ResultLike<R>>
  extends CompiledFunction<Arguments, R> {
  /**
   * Has the next call take a new snapshot of the parameters. Only who writes to `storage.data` itself needs it; every
   * other write is seen without.
   */
  refresh(): void;
}

export interface CompileOptions {
  /** Seed of the random numbers (dropout). Default 0. */
  readonly seed?: number;
  /**
   * Memory limit of a run, for one combination of shapes: bytes, a string such as '512MB', or 'auto' for half of what
   * the process may still use. It covers intermediate values, arguments, results, variables and constants. Values are
   * dropped and recomputed, with as few operations as possible, until the run fits; the results have the same bits. See
   * docs/memory.md. Default: no limit, which is the quickest.
   */
  readonly memory?: MemorySize;
  /**
   * Memory for the plans of different shapes, which are kept for later calls: beyond it, those that were used least
   * recently are freed. The plan of the last call is always kept. All share one arena, which is not counted: it is as large
   * as the calls of late need. See docs/memory.md. Default: 256 MB, or an eighth of the memory that the process may use if
   * that is less.
   */
  readonly planCache?: MemorySize;
  /**
   * True to reject a call if one of its results, gradients or assigned values is NaN or infinite, with the op that first
   * made such a value; nothing is assigned then. Takes memory and time for copies of the assigned values and gradients.
   * Default false.
   */
  readonly checkFinite?: boolean;
  /**
   * True for a function that computes outputs of a model in inference, and nothing else. What depends on parameters
   * alone is computed once, in a snapshot of them, and not in every call. A call takes a new snapshot if somebody has
   * written to them since, as `load`, `fit` and compiled functions do. See docs/inference.md. Default false.
   */
  readonly inference?: boolean;
}

const compileOptions = optionsOf<CompileOptions>({
  seed: kinds.integer(),
  memory: memorySize,
  planCache: memorySize,
  checkFinite: kinds.boolean,
  inference: kinds.boolean,
});

/**
 * Compiles a function of tensors. It is traced once for each combination of shapes and dtypes, and of the modes
 * (training or inference) of the modules that it calls; the plans are kept within `planCache`. Each call runs the plan
 * on another thread, so that the event loop stays free, or on the caller's if a run takes less time than the hop to that
 * thread and back (0.3 ms). Calls run one at a time. Assignments that the function makes (an optimiser's step) take effect
 * when its promise resolves.
 *
 * With `inference: true` the parameters are constants of a snapshot, which is renewed when somebody has written to them.
 *
 * @throws if `memory` or `planCache` is not a valid amount of memory, or `checkFinite` or `inference` not a boolean
 * @throws (rejects) with an error that names the op if a shape or dtype does not fit, and with the smallest possible
 *   budget if the budget is too small; nothing is assigned then. With `inference: true`, also if the function assigns
 *   variables, or calls a module that is in training
 */
export const compile = checked(
  'compile',
  { fn: kinds.callback('a function of tensors'), options: optional(compileOptions) },
  (<Arguments extends readonly TensorArgument[], R extends Result>(
    fn: (...args: Arguments) => R,
    options?: CompileOptions,
  ): CompiledFunction<Arguments, R> => compileOver(NO_OTHER_MEMORY, fn, options)) as Compile,
);

interface Compile {
  // Of tensors first, so that parameters without types are tensors.
  <Arguments extends readonly Tensor[], R extends Result>(
    fn: (...args: Arguments) => R,
    options: CompileOptions & { readonly inference: true },
  ): InferenceFunction<Arguments, R>;
  <Arguments extends readonly Tensor[], R extends Result>(
    fn: (...args: Arguments) => R,
    options?: CompileOptions,
  ): CompiledFunction<Arguments, R>;
  <Arguments extends readonly object[], R extends ResultLike<R>>(
    fn: (...args: Arguments) => R,
    options: CompileOptions & { readonly inference: true },
  ): InferenceFunction<Arguments, R>;
  <Arguments extends readonly object[], R extends ResultLike<R>>(
    fn: (...args: Arguments) => R,
    options?: CompileOptions,
  ): CompiledFunction<Arguments, R>;
}

const NO_OTHER_MEMORY: ReadonlyMap<Storage, TypedArray> = new Map();

/**
 * As `compile`, for a function whose calls read some variables from other memory.
 *
 * @param others that memory, which nobody writes during a call
 */
export function compileOver<Arguments extends readonly TensorArgument[], R extends Result>(
  others: ReadonlyMap<Storage, TypedArray>,
  fn: (...args: Arguments) => R,
  { seed = 0, memory, planCache, checkFinite = false, inference = false }: CompileOptions = {},
): CompiledFunction<Arguments, R> {
  const budget = memory === undefined ? undefined : resolveMemory('compile', memory);
  const plans = new PlanCache<CompiledEntry>(cacheLimit('compile', planCache));
  const arena = new Arena();
  const snapshot = inference ? new Snapshot(arena, budget) : undefined;
  let runs = 0;
  const queue = new Queue();

  const call = async (given: readonly TensorArgument[]): Promise<R> => {
    const key = keyOf(given);
    const named = flatArguments(given);
    let entry = plans.get(key);
    if (!entry) {
      const flat = (...nodes: Tensor[]) =>
        (fn as unknown as (...args: TensorArgument[]) => Result)(...argumentsLike(given, nodes));
      entry = new CompiledEntry(flat, named, { budget, checkFinite, arena, snapshot });
      plans.add(key, entry);
    }
    const tensors = named.map(([, tensor]) => tensor);
    const values = storedValues(tensors) ?? (await Promise.all(tensors.map(concreteValue)));
    if (snapshot?.isStale) await snapshot.renew();
    arena.announce(entry.arenaBytes);
    return (await execute(entry, { values, others, random: { seed, step: runs++ } })) as R;
  };
  /** The result of a short run that has to wait for nothing, at once; undefined if there is none such. */
  const callNow = (given: readonly TensorArgument[]): { readonly value: R } | undefined => {
    const entry = plans.get(keyOf(given));
    const values = storedValues(flatArguments(given).map(([, tensor]) => tensor));
    if (!entry || !values || snapshot?.isStale) return undefined;
    const step = runs++;
    const result = executeNow(entry, { values, others, random: { seed, step } }, arena);
    if (!result) runs = step;
    return result as { readonly value: R } | undefined;
  };
  const queued = async (...args: readonly unknown[]): Promise<R> => {
    const given = argumentsFrom('compile', args);
    const result = queue.isIdle ? callNow(given) : undefined;
    return result ? result.value : await queue.run(() => call(given));
  };
  const release = () => {
    void queue.run(() => {
      plans.clear();
      arena.release();
    });
  };
  const methods = {
    release,
    [Symbol.dispose]: release,
    ...(snapshot && { refresh: () => snapshot.refresh() }),
  };
  return Object.defineProperty(Object.assign(queued, methods), 'heldBytes', {
    get: () => plans.bytes + arena.bytes + (snapshot?.bytes ?? 0),
  }) as unknown as CompiledFunction<Arguments, R>;
}

function keyOf(given: readonly TensorArgument[]): string {
  const keys = given.map((value) => {
    if (value instanceof Tensor) return formatType(value);
    return JSON.stringify(Object.entries(value).map(([name, part]) => [name, formatType(part)]));
  });
  return keys.join();
}

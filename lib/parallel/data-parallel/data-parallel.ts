import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { TypedArray } from '../../graph/dtype.js';
import { failed, formatShape, formatType, invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Parameter } from '../../nn/parameter.js';
import { cacheLimit, PlanCache } from '../../runtime/cache/plan-cache.js';
import { type MemorySize, memorySize } from '../../runtime/memory-size.js';
import { Queue } from '../../runtime/queue.js';
import { type Argument, concreteValue, type Result, tensorsFrom } from '../../runtime/traced-results.js';
import { usableCores } from '../prepare/cores.js';
import { parallelismKinds } from '../prepare/parallelism.js';
import { StepEntry } from './step-entry.js';
import { type Changes, StepLayout } from './step-layout.js';
import { StepThreads } from './step-threads.js';

export interface DataParallelOptions {
  /** Number of threads, 1 to 256. 'auto', the default, uses all usable cores, but no more threads than there are shards. */
  readonly workers?: number | 'auto';
  /**
   * Number of parts that each batch is cut into, 1 to 1024. The bits of the results depend on it, but not on the number
   * of workers. Default: chosen by the rows and operations of the first call, as a `Trainer` does by its batch.
   */
  readonly shards?: number;
  /** Nice value of the threads, 0 to 19, as for a `Trainer`. Default 0. */
  readonly nice?: number;
  /** Seed of the random numbers (dropout). Default 0. */
  readonly seed?: number;
  /**
   * Reaction to a call whose loss, gradients, or values to be assigned are not finite. It changes nothing: no parameter,
   * no state, not the optimiser's count of steps. 'stop' rejects with the op that first made such a value; 'skip'
   * resolves to the results, unless a parameter itself is not finite. Default 'stop'.
   */
  readonly nonFinite?: 'stop' | 'skip';
  /**
   * Memory for the plans, arguments and results of different shapes, on all threads, which are kept for later calls, as
   * those of `compile` are, and with the same default.
   */
  readonly planCache?: MemorySize;
}

const dataParallelOptions = optionsOf<DataParallelOptions>({
  ...parallelismKinds,
  seed: kinds.index,
  nonFinite: kinds.oneOf('stop', 'skip'),
  planCache: memorySize,
});

/** A data-parallel function: takes the same arguments, and resolves to the same results with their values computed. */
export interface DataParallelFunction<Arguments extends readonly Tensor[], R extends Result> {
  (...args: { [K in keyof Arguments]: Argument }): Promise<R>;
  /** Bytes that the plans of all shapes take now, without the threads' arenas. */
  readonly heldBytes: number;
  /**
   * Gives back the memory of all plans, here and in the threads, once all previous calls are done. The threads stay; a
   * later call compiles the function again.
   */
  release(): Promise<void>;
  /** Ends the threads once all previous calls are done. A later call starts them again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Distributes a function of a batch over worker threads, as a `Trainer` does. The leading axis of all arguments is cut
 * into shards; the function is traced for the shapes of a shard (and the modes of the modules that it calls), and each
 * worker computes some of the shards:
 *
 *     const step = dataParallel((x, y) => {
 *       const loss = nn.crossEntropy(model.forward(x), y);
 *       const parameters = model.parameters();
 *       optimizer.step(parameters, grad(loss, parameters));
 *       return loss;
 *     }, { shards: 8 });
 *     const loss = await step(x, y);
 *     await step.close();
 *
 * The function may make one optimiser step: the shards' gradients, weighted by their shares of the rows, are added in a
 * fixed order, and all workers together update the parameters once, in place. The loss should therefore be a mean over
 * its rows. The mean or sum that a loss of this package returns is known by its sums, which are added up over the shards
 * before they are divided; the option `weight` of `step` gives any other weight. Clipping, accumulation and averages apply
 * to the whole batch, and accumulated steps weigh as the shards do. The state is the optimiser's own, so compiled
 * functions continue from it. Variables that the function assigns, such as the running statistics of batch
 * normalisation, receive the weighted mean of the shards' values. Without a step or assignments, the function evaluates
 * or predicts.
 *
 * Scalar results are averaged over the shards by their rows, or by the sums of those that have them; all other results
 * must have the shard's rows as their first axis, and are concatenated in order.
 *
 * All results have the same bits for any number of workers. Random numbers depend on the seed, the number of previous
 * calls and the position of a sample in the batch. A `Trainer` with the same seed and shards that takes the same
 * samples in the same order ends with the same parameters, but for the rounding of gradients that it does not store.
 *
 * Calls run one after another. Arguments are copied into shared memory. The round trip to the threads adds about 0.04
 * ms to a call of a compiled function with one worker, and 0.2 ms with two. The threads persist between calls, but do
 * not keep the process alive; `close()` ends them.
 *
 * @throws (rejects) as compiled functions do; if arguments have different numbers of rows; if gradients are not finite
 *   (see `nonFinite`); if a worker fails, in which case nothing is assigned and the next call starts new threads
 */
export const dataParallel = checked(
  'dataParallel',
  { fn: kinds.callback('a function of tensors'), options: optional(dataParallelOptions) },
  <Arguments extends readonly Tensor[], R extends Result>(
    fn: (...args: Arguments) => R,
    options: DataParallelOptions = {},
  ): DataParallelFunction<Arguments, R> => {
    const steps = new StepFunction(fn as unknown as (...args: Tensor[]) => Result, completeOptions(options));
    const queue = new Queue();
    const call = async (...args: readonly Argument[]): Promise<R> => {
      const tensors = tensorsFrom('dataParallel', args);
      return (await queue.run(() => steps.call(tensors))) as R;
    };
    const release = () => queue.run(() => steps.release());
    const close = () => queue.run(() => steps.close());
    const methods = Object.assign(call, { release, close, [Symbol.asyncDispose]: close });
    const figure = { get: () => steps.heldBytes };
    return Object.defineProperty(methods, 'heldBytes', figure) as unknown as DataParallelFunction<
      Arguments,
      R
    >;
  },
);

/** A call that has not been made, because the plans read variables that have moved. */
const OUTDATED = Symbol('outdated');
/** A call that changed nothing, because values that must be finite are not. */
const REFUSED = Symbol('refused');

/** A data-parallel function with its compiled entries and threads. */
class StepFunction {
  readonly #entries: PlanCache<StepEntry>;
  #layouts: readonly StepLayout[] = [];
  /** What the first call decides: the threads, its rows, and its shards. */
  #threads: StepThreads | undefined;
  #workers: number | undefined;
  #unit: number | undefined;
  #shards: number | undefined;
  #calls = 0;

  constructor(
    private readonly fn: (...args: Tensor[]) => Result,
    private readonly options: Complete,
  ) {
    this.#entries = new PlanCache(cacheLimit('dataParallel', options.planCache));
  }

  get heldBytes(): number {
    return this.#entries.bytes;
  }

  async call(tensors: readonly Tensor[]): Promise<Result> {
    requireRows(tensors);
    if (this.#threads?.takeLost()) this.#forgetAll();
    const values = await Promise.all(tensors.map(concreteValue));
    for (;;) {
      const entry = this.#entryFor(tensors);
      const result = await entry.access.run(true, () => this.#run(entry, values));
      // Variables may have moved while the call waited for them.
      if (result === OUTDATED) continue;
      // Reads the variables itself.
      if (result === REFUSED) throw await entry.refusal({ seed: this.options.seed, step: this.#calls - 1 });
      return result;
    }
  }

  /** Makes a call, while nobody else writes the variables that it reads, or uses those that it changes. */
  async #run(
    entry: StepEntry,
    values: readonly TypedArray[],
  ): Promise<Result | typeof OUTDATED | typeof REFUSED> {
    entry.layout.attach();
    if (entry.isOutdated) return OUTDATED;
    entry.begin(values);
    const optimizerStep = entry.layout.changes.request?.optimizer.steps ?? 0;
    await this.#startedThreads().run(entry, this.#calls, optimizerStep);
    this.#calls++;
    if (entry.refused) requireFinite(entry.broken);
    if (entry.refused && this.options.nonFinite === 'stop') return REFUSED;
    return entry.finish();
  }

  async release(): Promise<void> {
    this.#forgetAll();
    await this.#threads?.release();
  }

  async close(): Promise<void> {
    await this.#threads?.close();
  }

  #startedThreads(): StepThreads {
    const { seed, nice } = this.options;
    this.#threads ??= new StepThreads({ seed, nice, workers: this.#workers as number });
    return this.#threads;
  }

  /** The variables stay where they are. */
  #forgetAll(): void {
    this.#entries.clear();
    this.#layouts = [];
  }

  #entryFor(tensors: readonly Tensor[]): StepEntry {
    const key = tensors.map(formatType).join();
    const entry = this.#entries.get(key);
    if (entry && !entry.isOutdated) return entry;
    const rows = tensors[0]?.shape[0] ?? 0;
    const { shards } = this.options;
    const built = new StepEntry(
      this.fn,
      tensors,
      { shards: shards ?? this.#shards, mayBeFewer: shards === undefined },
      (changes) => this.#layoutFor(changes, rows),
      (freed) => this.#threads?.forget(freed),
    );
    this.#shards ??= built.job.shards;
    if (entry) this.#entries.delete(entry);
    this.#entries.add(key, built);
    this.#layouts = [...new Set(this.#entries.plans.map(({ layout }) => layout))];
    return built;
  }

  #layoutFor(changes: Changes, rows: number): StepLayout {
    const known = this.#layouts.find((layout) => layout.serves(changes));
    if (known) return known;
    this.#unit ??= rows;
    this.#workers ??= this.options.workers ?? Math.min(usableCores().cores, changes.shards);
    return new StepLayout(changes, { workers: this.#workers, rows: this.#unit });
  }
}

/** Parameters that are not finite would make every further call a bad one. */
function requireFinite(broken: Parameter | undefined): void {
  if (!broken) return;
  const expected =
    `${broken.path || 'a parameter'} must be finite, but is not: an update before this call overflowed, or it was not ` +
    'finite from the start. Nothing was changed';
  throw failed('ERR_CHAINRULE_NON_FINITE', 'dataParallel', expected);
}

interface Complete extends Required<Pick<DataParallelOptions, 'seed' | 'nice' | 'nonFinite'>> {
  /** Undefined for 'auto'. */
  readonly workers: number | undefined;
  readonly shards: number | undefined;
  readonly planCache: MemorySize | undefined;
}

function completeOptions(options: DataParallelOptions): Complete {
  const { workers: asked = 'auto', shards, nice = 0, seed = 0, nonFinite = 'stop' } = options;
  return {
    workers: asked === 'auto' ? undefined : asked,
    shards,
    seed,
    nice,
    nonFinite,
    planCache: options.planCache,
  };
}

function requireRows(tensors: readonly Tensor[]): void {
  if (tensors.length === 0)
    throw invalid('dataParallel', 'the function needs an argument, whose rows are shared out');
  const rows = tensors[0]?.shape[0] ?? 0;
  tensors.forEach(({ shape, dtype }, i) => {
    if (rows > 0 && shape[0] === rows) return;
    const expected =
      rows > 0 ? `as many rows as the first, ${rows}` : 'rows (a leading axis), which are shared out';
    throw invalid('dataParallel', `argument ${i} must have ${expected}`, `${dtype}${formatShape(shape)}`);
  });
}

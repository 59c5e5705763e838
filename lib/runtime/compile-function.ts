import type { Compiled } from '../compile/compile.js';
import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { context, within } from '../graph/context.js';
import type { TypedArray } from '../graph/dtype.js';
import { formatType } from '../graph/errors.js';
import { constant, type InputAttributes, input } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { traced } from '../graph/trace.js';
import { bind } from './bind.js';
import { compileWithin } from './compile-within.js';
import { Executable } from './executable.js';
import { FiniteValues } from './finite-values.js';
import { type MemoryBudget, type MemorySize, memorySize, resolveMemory } from './memory-size.js';
import { FUNCTION } from './non-finite.js';
import { Queue } from './queue.js';
import {
  type Argument,
  concreteValue,
  mapTensors,
  type Result,
  requireOwnInputs,
  tensorsFrom,
  tensorsOf,
} from './traced-results.js';

/** A compiled function: it takes the same arguments and resolves to the same results, as concrete tensors. */
export interface CompiledFunction<Arguments extends readonly Tensor[], R extends Result> {
  (...args: { [K in keyof Arguments]: Argument }): Promise<R>;
  /** Frees the arenas of all shapes that the function was compiled for, once pending calls are done. */
  release(): void;
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
   * True to reject a call if one of its results, gradients or assigned values is NaN or infinite, with the op that first
   * made such a value; nothing is assigned then. Takes memory and time for copies of the assigned values and gradients.
   * Default false.
   */
  readonly checkFinite?: boolean;
}

const compileOptions = optionsOf<CompileOptions>({
  seed: kinds.integer(),
  memory: memorySize,
  checkFinite: kinds.boolean,
});

interface Entry {
  readonly compiled: Compiled;
  readonly inputs: readonly Tensor<InputAttributes>[];
  /** With `checkFinite`. */
  readonly finite: FiniteValues | undefined;
  readonly executable: Executable;
  readonly result: Result;
  readonly outputs: readonly Tensor[];
  readonly afterRun: readonly (() => void)[];
  /** True while the modes of the called modules are those of the trace. */
  readonly guards: readonly (() => boolean)[];
}

/**
 * Compiles a function of tensors. It is traced once for each combination of shapes and dtypes, and of the modes
 * (training or inference) of the modules that it calls. Each call runs the plan on another thread, so that the event
 * loop stays free, or on the caller's if a run takes less time than the hop to that thread and back (0.3 ms). Calls run
 * one at a time. Assignments that the function makes (an optimiser's step) take effect when its promise resolves.
 *
 * @throws if `memory` is not a valid amount of memory, or `checkFinite` not a boolean
 * @throws (rejects) with an error that names the op if a shape or dtype does not fit, and with the smallest possible
 *   budget if the budget is too small; nothing is assigned then
 */
export const compile = checked(
  'compile',
  { fn: kinds.callback('a function of tensors'), options: optional(compileOptions) },
  <Arguments extends readonly Tensor[], R extends Result>(
    fn: (...args: Arguments) => R,
    { seed = 0, memory, checkFinite = false }: CompileOptions = {},
  ): CompiledFunction<Arguments, R> => {
    const budget = memory === undefined ? undefined : resolveMemory('compile', memory);
    const entries = new Map<string, Entry[]>();
    let runs = 0;
    const queue = new Queue();

    const call = async (tensors: readonly Tensor[]): Promise<R> => {
      const key = tensors.map(formatType).join();
      const known = entries.get(key) ?? [];
      let entry = known.find(({ guards }) => guards.every((holds) => holds()));
      if (!entry) {
        entry = build(fn, tensors, budget, checkFinite);
        entries.set(key, [...known, entry]);
      }
      const values = await Promise.all(tensors.map(concreteValue));
      return (await execute(entry, values, seed, runs++)) as R;
    };
    const queued = async (...args: readonly Argument[]): Promise<R> => {
      const tensors = tensorsFrom('compile', args);
      return await queue.run(() => call(tensors));
    };
    const release = () => {
      void queue.run(() => {
        for (const { executable } of [...entries.values()].flat()) executable.release();
        entries.clear();
      });
    };
    return Object.assign(queued, { release }) as CompiledFunction<Arguments, R>;
  },
);

function build<Arguments extends readonly Tensor[]>(
  fn: (...args: Arguments) => Result,
  like: readonly Tensor[],
  budget: MemoryBudget | undefined,
  checkFinite: boolean,
): Entry {
  const inputs = like.map(({ shape, dtype }, i) => input(`argument ${i}`, shape, dtype));
  const run = () => traced(() => fn(...(inputs as unknown as Arguments)));
  const { result, trace } = checkFinite ? within({ ...context(), origin: FUNCTION }, run) : run();
  const outputs = [...new Set(tensorsOf('compile', result))];
  requireOwnInputs('compile', inputs, [...outputs, ...trace.assignments.values()]);
  const finite = checkFinite ? new FiniteValues(outputs, trace) : undefined;
  const graph = finite
    ? { inputs, outputs: finite.nodes }
    : { inputs, outputs, assignments: trace.assignments };
  const compiled = compileWithin(graph, budget);
  return {
    compiled,
    inputs,
    finite,
    executable: new Executable(compiled.plan),
    result,
    outputs,
    afterRun: trace.afterRun,
    // A guard that already fails is about a mode that the function set and restored itself.
    guards: trace.guards.filter((holds) => holds()),
  };
}

async function execute(
  { compiled, inputs, finite, executable, result, outputs, afterRun }: Entry,
  values: readonly TypedArray[],
  seed: number,
  step: number,
): Promise<Result> {
  const { bindings, produced } = bind(compiled, values, finite?.nodes ?? outputs);
  await executable.runWhereCheapest(bindings, { seed, step });
  if (finite && !finite.areFinite(produced)) throw await finite.refusal(inputs, values, { seed, step });
  finite?.assign(produced);
  for (const hook of afterRun) hook();
  return mapTensors(result, (node) => constant(produced.get(node) as TypedArray, node.shape, node.dtype));
}

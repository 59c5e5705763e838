import type { Plan } from '../../compile/plan/plan.js';
import { context, within } from '../../graph/context.js';
import { type InputAttributes, input } from '../../graph/leaf.js';
import { reachable, type Tensor, upcomingId } from '../../graph/tensor.js';
import { traced } from '../../graph/trace.js';
import { PlanAccess } from '../access/plan-access.js';
import type { Arena } from '../arena.js';
import type { Bound } from '../bind.js';
import { compileWithin } from '../compile-within.js';
import { Executable } from '../executable.js';
import { FiniteValues } from '../finite-values.js';
import { requireInference } from '../inference/require-inference.js';
import type { Reader, Snapshot } from '../inference/snapshot.js';
import type { MemoryBudget } from '../memory-size.js';
import { FUNCTION } from '../non-finite.js';
import { mapTensors, type NamedTensor, type Result, requireOwnInputs, tensorsOf } from '../traced-results.js';
import { graphBytes, kernelBytes, ownConstantBytes } from './kept-bytes.js';
import type { Cached } from './plan-cache.js';

export interface EntryOptions {
  readonly budget: MemoryBudget | undefined;
  readonly checkFinite: boolean;
  /** Where the plan runs. */
  readonly arena: Arena;
  /** What takes the place of the variables, for inference. */
  readonly snapshot: Snapshot | undefined;
}

/** Bytes of an entry besides its plan: measured, and rounded up. */
const ENTRY_BYTES = 4096;

/** A function compiled for the shapes of its arguments: what a run needs, without the graph. */
export class CompiledEntry implements Cached {
  readonly compiled: Bound;
  readonly inputs: readonly Tensor<InputAttributes>[];
  /** With `checkFinite`; it keeps the graph, to find the op that is to blame. */
  readonly finite: FiniteValues | undefined;
  readonly executable: Executable;
  /** The variables that it reads; undefined if it reads a snapshot instead. */
  readonly access: PlanAccess | undefined;
  /** The result, and its tensors, as leaves of these shapes. */
  readonly result: Result;
  readonly outputs: readonly Tensor[];
  readonly afterRun: readonly (() => void)[];
  readonly arenaBytes: number;
  readonly bytes: number;
  readonly #reader: Reader | undefined;
  readonly #guards: readonly (() => boolean)[];

  constructor(
    fn: (...args: Tensor[]) => Result,
    like: readonly NamedTensor[],
    { budget, checkFinite, arena, snapshot }: EntryOptions,
  ) {
    const firstId = upcomingId();
    this.inputs = like.map(([name, { shape, dtype }]) => input(name, shape, dtype));
    const run = () => traced(() => fn(...this.inputs));
    const { result, trace } = checkFinite ? within({ ...context(), origin: FUNCTION }, run) : run();
    if (snapshot) requireInference(trace);
    const outputs = [...new Set(tensorsOf('compile', result))];
    const roots = [...outputs, ...trace.assignments.values()];
    requireOwnInputs('compile', this.inputs, roots);
    this.finite = checkFinite ? new FiniteValues(outputs, trace) : undefined;
    const computed = this.finite ? this.finite.nodes : outputs;
    this.#reader = snapshot?.attach(computed);
    const graph = {
      inputs: this.inputs,
      outputs: this.#reader ? this.#reader.outputs : computed,
      ...(!this.finite && { assignments: trace.assignments }),
    };
    let plan: Plan;
    try {
      const { hostScalars, variables, ...compiled } = compileWithin(graph, budget);
      plan = compiled.plan;
      this.compiled = { plan: { bindings: plan.bindings }, hostScalars, variables };
      this.executable = new Executable(plan, arena);
    } catch (error) {
      this.#reader?.release();
      throw error;
    }
    const { variables } = this.compiled;
    this.access = snapshot ? undefined : new PlanAccess('compile', variables, [...trace.assignments.keys()]);
    const leaves = new Map(outputs.map((node) => [node, this.finite ? node : leafLike(node)]));
    this.outputs = [...leaves.values()];
    this.result = mapTensors(result, (node) => leaves.get(node) as Tensor);
    this.afterRun = trace.afterRun;
    // A guard that already fails is about a mode that the function set and restored itself.
    this.#guards = trace.guards.filter((holds) => holds());
    this.arenaBytes = plan.arenaBytes;
    this.bytes =
      ENTRY_BYTES +
      kernelBytes(plan) +
      ownConstantBytes(plan, reachable(roots), firstId) +
      (this.finite ? graphBytes(reachable(this.finite.nodes)) : 0);
  }

  get holds(): boolean {
    return this.#guards.every((holds) => holds());
  }

  free(): void {
    this.executable.release();
    this.access?.release();
    this.#reader?.release();
  }
}

function leafLike({ shape, dtype }: Tensor): Tensor {
  return input('result', shape, dtype);
}

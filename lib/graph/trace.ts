import { checked } from './arguments/checked.js';
import * as kinds from './arguments/kinds.js';
import { context, within } from './context.js';
import { invalid } from './errors.js';
import { Variable } from './leaf.js';
import { sameShape } from './shapes.js';
import type { Tensor } from './tensor.js';

/** A call of `grad`. */
export interface GradientCall {
  readonly loss: Tensor;
  readonly wrt: readonly Tensor[];
  /** One for each of `wrt`. */
  readonly gradients: readonly Tensor[];
}

/** How a trace read the mode of a module. */
export interface ModeRead {
  /** True if it was ever in training. */
  readonly training: boolean;
  /** The layer that read it first, where layers are recorded. */
  readonly layer: string | undefined;
}

/** What a function does while it is traced. `lib/optim/requests.ts` adds the updates that optimisers request. */
export interface Trace {
  readonly assignments: Map<Variable, Tensor>;
  /** The variables in the order of the assignments, with repetitions. */
  readonly assigned: Variable[];
  /** Called on the host after each run of the compiled function. */
  readonly afterRun: (() => void)[];
  /** Conditions for reusing the trace; all must hold. */
  readonly guards: (() => boolean)[];
  /** The calls of `grad`, by the gradients that they returned. */
  readonly gradientCalls: Map<Tensor, GradientCall>;
  /** The modules whose mode was read. */
  readonly modesRead: Map<object, ModeRead>;
  randomNodes: number;
  /** True for a shard of a batch, which can exchange values with the others. */
  readonly sharded: boolean;
}

/** Counts the random nodes of the process that belong to no trace, so that each draws numbers of its own. */
let randomNodesOutside = 0;

/**
 * Runs `fn` and records what it does. The graph is one of its own: neither a trace nor a scope around it applies. Origins
 * do, since whoever profiles a model records them around the traces of its training.
 *
 * @param sharded for the graph of a shard: see `Trace`
 */
export function traced<R>(fn: () => R, sharded = false): { result: R; trace: Trace } {
  const trace: Trace = {
    assignments: new Map(),
    assigned: [],
    afterRun: [],
    guards: [],
    gradientCalls: new Map(),
    modesRead: new Map(),
    randomNodes: 0,
    sharded,
  };
  return { result: within({ ...context(), trace, scope: undefined }, fn), trace };
}

/** The trace in progress. Throws an error that names `op` outside of a compiled function. */
export function currentTrace(op: string): Trace {
  const { trace } = context();
  if (!trace) throw invalid(op, 'can only be used inside a function given to compile()');
  return trace;
}

/**
 * Assigns a value to a variable once the compiled function has run. All reads in the function see the old value. A
 * later assignment to the same variable replaces an earlier one.
 */
export const assign = checked(
  'assign',
  { variable: kinds.instance(Variable, 'a variable'), value: kinds.tensor },
  (variable: Variable, value: Tensor): void => {
    if (!sameShape(variable.shape, value.shape)) {
      throw invalid('assign', `shape must be [${variable.shape.join(',')}]`, value.shape);
    }
    if (variable.dtype !== value.dtype)
      throw invalid('assign', `dtype must be ${variable.dtype}`, value.dtype);
    const { assignments, assigned } = currentTrace('assign');
    assignments.set(variable, value);
    assigned.push(variable);
  },
);

/** True while the graph of a shard of a batch is being traced, so that it can exchange values with the others. */
export function isSharded(): boolean {
  return context().trace?.sharded === true;
}

/** True while a function given to `compile()` is being traced, so that `assign` can be used. */
export function isTracing(): boolean {
  return context().trace !== undefined;
}

/** The value that a variable will have after the run, as traced so far: the last assigned value, or its own. */
export function pendingValue(variable: Variable): Tensor {
  return context().trace?.assignments.get(variable) ?? variable;
}

/**
 * Records that the trace depends on something other than its arguments, which may change between runs. When `holds`
 * returns false before a later run, the function is traced again.
 */
export function guard(holds: () => boolean): void {
  context().trace?.guards.push(holds);
}

/** Records that the trace in progress depends on the mode of a module. */
export function noteModeRead(module: object, training: boolean): void {
  const { trace, origin } = context();
  const before = trace?.modesRead.get(module);
  if (before && (before.training || !training)) return;
  trace?.modesRead.set(module, { training, layer: before ? before.layer : origin?.layer });
}

/** Records a call of `grad` in the trace in progress, if there is one. */
export function noteGradients(call: GradientCall): void {
  const { trace } = context();
  for (const gradient of call.gradients) trace?.gradientCalls.set(gradient, call);
}

/** A key for the next random node: its place in the trace, so that retracing draws the same numbers. */
export function nextRandomKey(): number {
  const { trace } = context();
  return trace ? trace.randomNodes++ : 0x80000000 + randomNodesOutside++;
}

/** Runs `fn` and returns its result, with the variables that it assigned and their values. */
export function assignedBy<R>(fn: () => R): { result: R; assigned: [Variable, Tensor][] } {
  const { trace } = context();
  const before = trace?.assigned.length ?? 0;
  const result = fn();
  const variables = new Set(trace?.assigned.slice(before));
  const assigned = [...variables].map((variable): [Variable, Tensor] => [variable, pendingValue(variable)]);
  return { result, assigned };
}

/** Runs `fn`, which is traced once but run often. Throws an error that names `op` if it assigned variables. */
export function requireNoAssignments<R>(op: string, fn: () => R): R {
  const { result, assigned } = assignedBy(fn);
  for (const [variable] of assigned) throw invalid(op, 'the step must not assign variables', variable);
  return result;
}

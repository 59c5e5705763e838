import { invalid } from './errors.js';
import type { Variable } from './leaf.js';
import { sameShape } from './shapes.js';
import type { Tensor } from './tensor.js';

/** What a function does besides returning a value while it is traced. */
export interface Trace {
  readonly assignments: Map<Variable, Tensor>;
  /** Called on the host after each run of the compiled function. */
  readonly afterRun: (() => void)[];
  /** Whether what the trace depended on is as it was; all must hold for it to be used again. */
  readonly guards: (() => boolean)[];
  randomNodes: number;
}

const stack: Trace[] = [];
let randomNodesOutside = 0;

/** Runs `fn` and records the assignments, hooks and random nodes that it makes. */
export function traced<R>(fn: () => R): { result: R; trace: Trace } {
  const trace: Trace = { assignments: new Map(), afterRun: [], guards: [], randomNodes: 0 };
  stack.push(trace);
  try {
    return { result: fn(), trace };
  } finally {
    stack.pop();
  }
}

/** The trace under way. Throws in the name of `op` outside a compiled function. */
export function currentTrace(op: string): Trace {
  const trace = stack.at(-1);
  if (!trace) throw invalid(op, 'can only be used inside a function given to compile()');
  return trace;
}

/**
 * Sets a variable to a value when the compiled function has run. All reads in the function see the value from
 * before. A later assignment to the same variable replaces an earlier one.
 */
export function assign(variable: Variable, value: Tensor): void {
  if (!sameShape(variable.shape, value.shape)) {
    throw invalid('assign', `shape must be [${variable.shape.join(',')}]`, value.shape);
  }
  if (variable.dtype !== value.dtype) throw invalid('assign', `dtype must be ${variable.dtype}`, value.dtype);
  currentTrace('assign').assignments.set(variable, value);
}

/** Whether a function given to `compile()` is being traced, so that `assign` can be used. */
export function isTracing(): boolean {
  return stack.length > 0;
}

/** The value that a variable will have after the run, as far as it is traced: that of an assignment, or its own. */
export function pendingValue(variable: Variable): Tensor {
  return stack.at(-1)?.assignments.get(variable) ?? variable;
}

/**
 * Notes that the trace depends on something besides its arguments, which may change between runs. When `holds` is false
 * later, the function is traced again.
 */
export function guard(holds: () => boolean): void {
  stack.at(-1)?.guards.push(holds);
}

/** A number for the next random node: its place in the trace, so that tracing again draws the same numbers. */
export function nextRandomKey(): number {
  const trace = stack.at(-1);
  return trace ? trace.randomNodes++ : 0x80000000 + randomNodesOutside++;
}

/** Runs `fn`, and gives the variables that it assigned with their values. */
export function assignedBy<R>(fn: () => R): { result: R; assigned: [Variable, Tensor][] } {
  const trace = stack.at(-1);
  const before = new Map(trace?.assignments);
  const result = fn();
  const assigned = [...(trace?.assignments ?? [])].filter(
    ([variable, value]) => before.get(variable) !== value,
  );
  return { result, assigned };
}

/** Runs `fn`, and throws in the name of `op` if it assigned variables: for functions that are traced once and run often. */
export function requireNoAssignments<R>(op: string, fn: () => R): R {
  const { result, assigned } = assignedBy(fn);
  for (const [variable] of assigned) throw invalid(op, 'the step must not assign variables', variable);
  return result;
}

import type { Origin } from './origin.js';
import type { CheckpointScope } from './scope.js';
import type { Trace } from './trace.js';

/** The surroundings in which nodes are made. They apply for the duration of a call: see `within`. */
export interface Context {
  /** The trace in progress; undefined outside of compiled functions. */
  readonly trace: Trace | undefined;
  /** The scope of new nodes; undefined outside of all scopes. */
  readonly scope: CheckpointScope | undefined;
  /** The origin of new nodes; undefined where origins are not recorded. */
  readonly origin: Origin | undefined;
}

/** The context in which programs start. Work that must not depend on its caller runs within it. */
export const outside: Context = { trace: undefined, scope: undefined, origin: undefined };

let current = outside;

/** The current context. */
export function context(): Context {
  return current;
}

/**
 * Runs a function in a context, and restores the outer one when it returns or throws. What an asynchronous function
 * does after its first `await` is no longer in the context.
 */
export function within<R>(inner: Context, fn: () => R): R {
  const outer = enter(inner);
  try {
    return fn();
  } finally {
    enter(outer);
  }
}

/**
 * Enters a context and returns the one that was left. `within` does this; a caller that cannot spare the frame of
 * another function in an error's stack calls it itself, and enters the outer context again in a `finally` block.
 */
export function enter(inner: Context): Context {
  const outer = current;
  current = inner;
  return outer;
}

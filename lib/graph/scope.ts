import { withOrigin } from './origin.js';
import type { Tensor } from './tensor.js';

/** A checkpointed stretch of a graph, one per call of `checkpoint`, whose values gradients recompute. */
export interface CheckpointScope {
  /** The enclosing scope. */
  readonly parent: CheckpointScope | undefined;
  /** Set only for values that leave scopes, which are kept like those of the parent: the scopes they have left. */
  readonly left?: readonly CheckpointScope[];
}

/** The scope that keeps a value. The value is not recomputed if it is undefined or the current scope. */
export function keptIn(scope: CheckpointScope | undefined): CheckpointScope | undefined {
  return scope?.left ? scope.parent : scope;
}

let current: CheckpointScope | undefined;

/** The scope given to new nodes; undefined outside of all scopes. */
export function currentScope(): CheckpointScope | undefined {
  return current;
}

/** Runs a function with the given scope, or none, for its new nodes. Inner calls may override it. */
export function inScope<R>(scope: CheckpointScope | undefined, fn: () => R): R {
  const outer = current;
  current = scope;
  try {
    return fn();
  } finally {
    current = outer;
  }
}

/** Runs a function that rebuilds a node, with the origin and the scope of the original. */
export function remade<R>({ origin, scope }: Tensor, fn: () => R): R {
  return inScope(scope, () => withOrigin(origin, fn));
}

/** Moves a value that leaves a scope out of it, together with the values it is a view of, so that they are kept. */
export function moveOut(value: Tensor, scope: CheckpointScope): void {
  if (!liesIn(value.scope, scope)) return;
  value.scope = { parent: scope.parent, left: [...(value.scope?.left ?? []), scope] };
  const isView = ['view', 'identity'].includes(value.op.kernel.family);
  if (isView) moveOut(value.input(0), scope);
}

/** True if `inner` is `outer` or nested in it. Undefined, which means no scope, contains every scope. */
export function liesIn(inner: CheckpointScope | undefined, outer: CheckpointScope | undefined): boolean {
  if (inner === outer || outer === undefined) return true;
  return inner !== undefined && liesIn(inner.parent, outer);
}

/** The innermost scope that contains both. */
export function commonScope(
  a: CheckpointScope | undefined,
  b: CheckpointScope | undefined,
): CheckpointScope | undefined {
  return liesIn(b, a) ? a : commonScope(a?.parent, b);
}

import { withOrigin } from './origin.js';
import type { Tensor } from './tensor.js';

/** A stretch of a graph whose values are computed again where a gradient needs them: one for each call of `checkpoint`. */
export interface CheckpointScope {
  /** The stretch that it is a part of. */
  readonly parent: CheckpointScope | undefined;
  /** Of what leaves scopes, and is kept as what is in the parent: the scopes that it has left. */
  readonly left?: readonly CheckpointScope[];
}

/** The scope that a value is kept in: when that is undefined or the current one, it is not computed again. */
export function keptIn(scope: CheckpointScope | undefined): CheckpointScope | undefined {
  return scope?.left ? scope.parent : scope;
}

let current: CheckpointScope | undefined;

/** The scope of nodes that are made now; undefined outside of all. */
export function currentScope(): CheckpointScope | undefined {
  return current;
}

/** Runs a function whose nodes are in the given scope, or in none, but for those that an inner call puts into another. */
export function inScope<R>(scope: CheckpointScope | undefined, fn: () => R): R {
  const outer = current;
  current = scope;
  try {
    return fn();
  } finally {
    current = outer;
  }
}

/** Runs a function that makes a node anew, with the origin and the scope of the one that it stands for. */
export function remade<R>({ origin, scope }: Tensor, fn: () => R): R {
  return inScope(scope, () => withOrigin(origin, fn));
}

/** Moves a value that leaves a scope out of it, with what it is a view of: it is kept. */
export function moveOut(value: Tensor, scope: CheckpointScope): void {
  if (!liesIn(value.scope, scope)) return;
  value.scope = { parent: scope.parent, left: [...(value.scope?.left ?? []), scope] };
  const isView = ['view', 'identity'].includes(value.op.kernel.family);
  if (isView) moveOut(value.input(0), scope);
}

/** Whether a scope is the other one or lies in it; all of them lie in none, which is undefined. */
export function liesIn(inner: CheckpointScope | undefined, outer: CheckpointScope | undefined): boolean {
  if (inner === outer || outer === undefined) return true;
  return inner !== undefined && liesIn(inner.parent, outer);
}

/** The innermost scope that both lie in. */
export function commonScope(
  a: CheckpointScope | undefined,
  b: CheckpointScope | undefined,
): CheckpointScope | undefined {
  return liesIn(b, a) ? a : commonScope(a?.parent, b);
}

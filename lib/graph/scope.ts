import { context, within } from './context.js';
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

/** Runs a function that rebuilds a node, with the scope of the original, and with its origin if it has one. */
export function remade<R>({ origin, scope }: Tensor, fn: () => R): R {
  const { trace, origin: outer } = context();
  return within({ trace, scope, origin: origin ?? outer }, fn);
}

/** Moves a value that leaves a scope out of it, together with the values it is a view of, so that they are kept. */
export function moveOut(value: Tensor, scope: CheckpointScope): void {
  for (let node = value; liesIn(node.scope, scope); node = node.input(0)) {
    node.scope = { parent: scope.parent, left: [...(node.scope?.left ?? []), scope] };
    const isView = ['view', 'identity'].includes(node.op.kernel.family);
    if (!isView) return;
  }
}

/** True if `inner` is `outer` or nested in it. Undefined, which means no scope, contains every scope. */
export function liesIn(inner: CheckpointScope | undefined, outer: CheckpointScope | undefined): boolean {
  if (outer === undefined) return true;
  let scope = inner;
  while (scope && scope !== outer) scope = scope.parent;
  return scope === outer;
}

/** The innermost scope that contains both. */
export function commonScope(
  a: CheckpointScope | undefined,
  b: CheckpointScope | undefined,
): CheckpointScope | undefined {
  let common = a;
  while (common && !liesIn(b, common)) common = common.parent;
  return common;
}

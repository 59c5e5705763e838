import { within } from './place.js';
import type { Tensor } from './tensor.js';

/** A stretch of a graph whose values are computed again where a gradient needs them: one for each call of `checkpoint`. */
export interface Region {
  /** The stretch that it is a part of. */
  readonly parent: Region | undefined;
  /** Of what leaves regions, and is kept as what is in the parent: the regions that it has left. */
  readonly left?: readonly Region[];
}

/** The region that a value is kept in: when that is undefined or the current one, it is not computed again. */
export function keptIn(region: Region | undefined): Region | undefined {
  return region?.left ? region.parent : region;
}

let current: Region | undefined;

/** The region of nodes that are made now; undefined outside of all. */
export function currentRegion(): Region | undefined {
  return current;
}

/** Runs a function whose nodes are in the given region, or in none, but for those that an inner call puts into another. */
export function inRegion<R>(region: Region | undefined, fn: () => R): R {
  const outer = current;
  current = region;
  try {
    return fn();
  } finally {
    current = outer;
  }
}

/** Runs a function that makes a node anew, in the place and the region of the one that it stands for. */
export function remade<R>({ place, region }: Tensor, fn: () => R): R {
  return inRegion(region, () => within(place, fn));
}

/** Moves a value that leaves a region out of it, with what it is a view of: it is kept. */
export function moveOut(value: Tensor, region: Region): void {
  if (!liesIn(value.region, region)) return;
  value.region = { parent: region.parent, left: [...(value.region?.left ?? []), region] };
  const isView = ['view', 'identity'].includes(value.op.kernel.family);
  if (isView) moveOut(value.input(0), region);
}

/** Whether a region is the other one or lies in it; all of them lie in none, which is undefined. */
export function liesIn(inner: Region | undefined, outer: Region | undefined): boolean {
  if (inner === outer || outer === undefined) return true;
  return inner !== undefined && liesIn(inner.parent, outer);
}

/** The innermost region that both lie in. */
export function commonRegion(a: Region | undefined, b: Region | undefined): Region | undefined {
  return liesIn(b, a) ? a : commonRegion(a?.parent, b);
}

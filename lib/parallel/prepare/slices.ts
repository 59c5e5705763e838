import { addon } from '../../runtime/addon.js';
import type { FactorLayout, Slice, WeightProduct } from '../protocol/job.js';
import { ALIGNMENT, type FlatParameters, type ParameterRun } from './flat-parameters.js';

/** Most pieces that all parameters are cut into, to be dealt to workers. */
const MOST_PIECES = 128;

/** Most pieces of a weight whose gradient is computed by the update. */
const MOST_STRIPS = 128;

/** A piece of the flat memory that is never split between workers. */
export interface Piece extends Slice {
  /** Work of its update, in that of an element whose gradient is stored. */
  readonly work: number;
}

/**
 * Pieces of the flat memory that are never split between workers, in order: whole parameters if the rule needs them
 * whole, strips of rows of weights whose gradients are not stored, else equal numbers of cache lines. They do not depend
 * on the number of workers.
 */
export function indivisible({ runs, trainableElements }: FlatParameters, layout?: FactorLayout): Piece[] {
  const lines = Math.ceil(trainableElements / ALIGNMENT / MOST_PIECES);
  const length = Math.max(1, lines) * ALIGNMENT;
  return runs.flatMap((run) => {
    if (!run.divisible) return [{ start: run.start, end: run.end, work: run.end - run.start }];
    return partsOf(run, layout).flatMap(({ product, ...part }) =>
      product && layout ? stripsOf(product, part, workPerElement(layout, product)) : cut(part, length, 1),
    );
  });
}

/** A part of the flat memory. Its gradients are stored unless it is a product. */
export interface Part extends Slice {
  readonly product?: WeightProduct;
}

/** A slice, cut where weights whose gradients are not stored begin and end, with the padding behind them. */
function partsOf(slice: Slice, layout: FactorLayout | undefined): Part[] {
  const parts: Part[] = [];
  let { start } = slice;
  for (const product of layout?.products ?? []) {
    const mine = intersection({ start: product.start, end: aligned(product.end) }, slice);
    if (!mine) continue;
    if (start < mine.start) parts.push({ start, end: mine.start });
    parts.push({ ...mine, product });
    start = mine.end;
  }
  if (start < slice.end) parts.push({ start, end: slice.end });
  return parts;
}

/** The parts of a slice, each with the run of parameters that it lies in. */
export function partsIn(
  { runs }: FlatParameters,
  slice: Slice,
  layout: FactorLayout | undefined,
): { readonly run: ParameterRun; readonly part: Part }[] {
  return runs.flatMap((run) => {
    const mine = intersection(run, slice);
    return mine ? partsOf(mine, layout).map((part) => ({ run, part })) : [];
  });
}

function cut({ start, end }: Slice, length: number, work: number): Piece[] {
  return Array.from({ length: Math.ceil((end - start) / length) }, (_, i) => {
    const piece = { start: start + i * length, end: Math.min(end, start + (i + 1) * length) };
    return { ...piece, work: (piece.end - piece.start) * work };
  });
}

/** Strips of a weight's rows, at multiples of what may be cut; the last one has the padding. */
function stripsOf({ rows, columns }: WeightProduct, { start, end }: Slice, work: number): Piece[] {
  const { stripRows } = addon().constants.sums;
  const strip = stripRows * Math.ceil(rows / stripRows / MOST_STRIPS) * columns;
  const strips = cut({ start, end: start + rows * columns }, strip, work);
  return strips.map((piece, i) => (i === strips.length - 1 ? { ...piece, end } : piece));
}

/**
 * An update moves some 28 bytes for an element, in the time of about 64 multiplications, and as many as there are rows of
 * factors make its gradient.
 */
function workPerElement({ shards, mostRows }: FactorLayout, { perRow }: WeightProduct): number {
  return 1 + (shards * mostRows * perRow) / 64;
}

function aligned(element: number): number {
  return Math.ceil(element / ALIGNMENT) * ALIGNMENT;
}

/** Index of the first piece of each worker, followed by the number of pieces. */
export function dealPieces(pieces: readonly Piece[], workers: number): number[] {
  const total = pieces.reduce((sum, { work }) => sum + work, 0);
  let before = 0;
  const owners = pieces.map(({ work }) => {
    const owner = Math.floor(((before + work / 2) / total) * workers);
    before += work;
    return owner;
  });
  return Array.from({ length: workers + 1 }, (_, rank) => {
    const first = owners.findIndex((owner) => owner >= rank);
    return first < 0 ? pieces.length : first;
  });
}

/** Intersection of two slices, or null if it is empty. */
export function intersection(a: Slice, b: Slice): Slice | null {
  const [start, end] = [Math.max(a.start, b.start), Math.min(a.end, b.end)];
  return start < end ? { start, end } : null;
}

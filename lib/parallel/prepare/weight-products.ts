import { at } from '../../graph/at.js';
import type { Factors } from '../../graph/op.js';
import type { Tensor } from '../../graph/tensor.js';
import { addon } from '../../runtime/addon.js';
import type { FactorLayout, WeightProduct } from '../protocol/job.js';
import { ALIGNMENT, type FlatParameters } from './flat-parameters.js';

/** A full batch, and the number of shards that it is cut into. */
export interface BatchForm {
  readonly rows: number;
  readonly shards: number;
  /** True if there may be shards of sizes that are not known yet. */
  readonly mayVary: boolean;
}

/** The gradients of a shard of `rows` rows, in the order of the flat parameters. */
export interface GradientsOfShard {
  readonly rows: number;
  readonly gradients: readonly Tensor[];
}

/** Elements of a gradient that are computed at a time: a megabyte of float32, which a core's caches hold. */
export const BLOCK_ELEMENTS = 2 ** 18;

/** Least elements of a weight: a smaller gradient stays in a cache until it is used. */
const LEAST_ELEMENTS = 2 ** 16;

/** Least strips of a weight: with fewer, few workers could share its update. */
const LEAST_STRIPS = 8;

/**
 * Decides which gradients are left as factors, from the graph and the batch alone: those of large weights that are one
 * product `a^T b` over the rows of a shard, and whose factors in all shards of the batch take less memory than the
 * weight does. The update then computes them when it needs them: no gradient is written, added up and read, and the
 * products of all shards are one.
 *
 * @param shards the gradients of shards of all sizes that are known, the largest first
 * @param trace traces those of another size
 * @returns undefined if there are none
 */
export function chooseProducts(
  flat: FlatParameters,
  batch: BatchForm,
  shards: readonly GradientsOfShard[],
  trace: (rows: number) => GradientsOfShard,
): FactorLayout | undefined {
  if (batch.shards > addon().constants.sums.mostRuns) return undefined;
  const mostRows = Math.ceil(batch.rows / batch.shards);
  const others = batch.mayVary && mostRows > 1 ? traced(mostRows - 1, trace) : [];
  if (!others) return undefined;
  const known = [...shards, ...others];
  const divisible = new Set(flat.runs.flatMap((run) => (run.divisible ? run.parameters : [])));
  const products: WeightProduct[] = [];
  let elements = 0;
  const place = (count: number) => {
    const start = elements;
    elements += Math.ceil(count / ALIGNMENT) * ALIGNMENT;
    return start;
  };
  flat.parameters.forEach((parameter, index) => {
    const perRow = divisible.has(parameter) ? rowsOfFactors(known, index) : undefined;
    const [rows = 0, columns = 0] = parameter.shape;
    if (perRow === undefined || !isLarge(rows, columns)) return;
    const most = batch.shards * mostRows * perRow;
    if (most * (rows + columns) > rows * columns) return;
    const start = flat.offsets.get(parameter) as number;
    const { origin } = at(at(shards, 0).gradients, index);
    const [aStart, bStart] = [place(most * rows), place(most * columns)];
    products.push({ start, end: start + rows * columns, rows, columns, perRow, aStart, bStart, origin });
  });
  return products.length > 0 ? { products, shards: batch.shards, mostRows, elements } : undefined;
}

/** True if a gradient takes long enough to move, and can be computed in blocks that fit into a cache by many workers. */
function isLarge(rows: number, columns: number): boolean {
  const { stripRows } = addon().constants.sums;
  return (
    rows * columns >= LEAST_ELEMENTS &&
    rows >= LEAST_STRIPS * stripRows &&
    stripRows * columns <= BLOCK_ELEMENTS
  );
}

/** The gradients of a shard of a size that may come; undefined if the model refuses it, so that they are not known. */
function traced(rows: number, trace: (rows: number) => GradientsOfShard): GradientsOfShard[] | undefined {
  try {
    return [trace(rows)];
  } catch {
    return undefined;
  }
}

/** The factors of a gradient; undefined if it is no product. */
export function factorsOf(gradient: Tensor): Factors | undefined {
  return gradient.op.laws?.factors?.(gradient);
}

/** Rows of the factors for each row of a shard; undefined unless the gradient has factors in shards of all sizes. */
function rowsOfFactors(shards: readonly GradientsOfShard[], index: number): number | undefined {
  const counts = shards.map(({ rows, gradients }) => {
    const factors = factorsOf(at(gradients, index));
    return factors ? at(factors.a.shape, 0) / rows : 0;
  });
  const [first = 0] = counts;
  return first > 0 && Number.isInteger(first) && counts.every((count) => count === first) ? first : undefined;
}

/** Elements between the factors of neighbouring shards. */
export function shardElements(layout: FactorLayout, product: WeightProduct, columns: number): number {
  return layout.mostRows * product.perRow * columns;
}

/** Elements of the weights whose gradients are not stored. */
export function unstoredElements(layout: FactorLayout | undefined): number {
  return (layout?.products ?? []).reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** Floating-point operations of the largest shard's products. */
export function flopsOfProducts({ products, mostRows }: FactorLayout): number {
  return products.reduce((sum, { rows, columns, perRow }) => sum + 2 * mostRows * perRow * rows * columns, 0);
}

import { at } from '../graph/at.js';
import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { takeAlong } from '../ops/primitives/along.js';
import { sum } from '../ops/primitives/broadcast.js';
import { cumSum } from '../ops/primitives/cumulative.js';
import { cast, div, eq, mul, ne, sub, where } from '../ops/primitives/elementwise.js';
import { gather, scatterAdd } from '../ops/primitives/gather.js';
import { concat, slice } from '../ops/primitives/movement.js';
import { argSort } from '../ops/primitives/sort.js';

/**
 * Samples in groups of equal scores, the highest first. There are as many groups as samples at most; the others are empty.
 */
export interface Ranking {
  /** The sample at each place, int32. */
  readonly order: Tensor;
  /** The group at each place, int32. */
  readonly groups: Tensor;
}

/** Ranks samples by their scores, a vector. Of equal scores, none is above the other. */
export function rank(scores: Tensor): Ranking {
  const samples = at(scores.shape, 0);
  const order = argSort(scores, 0, { descending: true });
  const sorted = takeAlong(scores, order);
  const changes = ne(slice(sorted, [[1, samples]]), slice(sorted, [[0, samples - 1]]));
  return { order, groups: concat([zeros([1], 'int32'), cumSum(cast(changes, 'int32'))]) };
}

/** Values of samples, in the order of a ranking. */
export function ranked(values: Tensor, { order }: Ranking): Tensor {
  return takeAlong(values, order);
}

/** The sums of the groups, of values in the order of a ranking. */
function sumsOf(values: Tensor, { groups }: Ranking): Tensor {
  return scatterAdd(zeros(groups.shape, values.dtype), groups, values);
}

/**
 * The weight of the positive samples that are ranked above each sample, of which those with the same score count half.
 *
 * @param positives the weight of each positive sample, 0 for others, in the order of the ranking
 * @returns in the order of the ranking
 */
export function positivesAbove(positives: Tensor, ranking: Ranking): Tensor {
  const ofGroups = sumsOf(positives, ranking);
  return gather(sub(cumSum(ofGroups), mul(ofGroups, 0.5)), ranking.groups);
}

/**
 * The average precision: the sum over the groups of the precision of all samples down to there, times the share that the
 * group has of the positive ones. 0 without positive samples.
 *
 * @param positives the weight of each positive sample, 0 for others, in the order of the ranking
 * @param weights of all samples, in the same order
 */
export function averagePrecision(positives: Tensor, weights: Tensor, ranking: Ranking): Tensor {
  const found = sumsOf(positives, ranking);
  const all = cumSum(sumsOf(weights, ranking));
  const precision = div(cumSum(found), where(eq(all, 0), 1, all));
  const total = sum(positives);
  return div(sum(mul(precision, found)), where(eq(total, 0), 1, total));
}

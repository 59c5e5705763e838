import { invalid } from '../graph/errors.js';
import { zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { countedLabels } from '../nn/losses/labels.js';
import { sum } from '../ops/primitives/broadcast.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { add, eq, mul } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { reshape } from '../ops/primitives/movement.js';
import {
  type ClassMetricOptions,
  classesOf,
  classify,
  decisionsOf,
  isBinary,
  rowsOf,
} from './class-labels.js';
import { type Batch, double, nanMask, spoiled, weightsFor } from './samples.js';

/**
 * Weights of samples by class: where prediction and label are the class, where the label is, and where the prediction is.
 * A vector of all classes or, for several labels that each are a decision of its own, a column of them.
 */
export interface ClassCounts {
  readonly [name: string]: Tensor;
  readonly hits: Tensor;
  readonly labels: Tensor;
  readonly predictions: Tensor;
}

/** Options of a figure of class counts. */
export interface ClassCountOptions extends ClassMetricOptions {
  /** True to count outputs of the targets' shape by label, the last axis, if there are several. */
  readonly byLabel?: boolean;
}

/** A figure that is computed from the counts by class. */
export function classCounts(
  op: string,
  options: ClassCountOptions,
  result: (counts: ClassCounts) => Tensor,
): Figure<ClassCounts> {
  return new Figure<ClassCounts>({
    init(output, target) {
      const batch = { output, target };
      const shape = countsByLabel(batch, options)
        ? [output.shape.at(-1) as number, 1]
        : [classesOf(op, batch)];
      const none = zeros(shape, 'float64');
      return { hits: none, labels: none, predictions: none };
    },
    update(counts, output, target, weights) {
      const batch = { output, target, weights };
      return countsByLabel(batch, options)
        ? addLabels(op, counts, batch, options)
        : addClasses(op, counts, batch, options);
    },
    merge: (a, b) => ({
      hits: add(a.hits, b.hits),
      labels: add(a.labels, b.labels),
      predictions: add(a.predictions, b.predictions),
    }),
    result,
  });
}

/** True for the counts of several labels that each are a decision of its own. */
export function isByLabel({ hits }: ClassCounts): boolean {
  return hits.ndim === 2;
}

function countsByLabel(batch: Batch, { byLabel = false }: ClassCountOptions): boolean {
  const { shape, ndim } = batch.output;
  return byLabel && isBinary(batch) && ndim > 1 && shape.at(-1) !== 1;
}

function addClasses(op: string, counts: ClassCounts, batch: Batch, options: ClassMetricOptions): ClassCounts {
  const { labels, predictions, weights } = classify(op, batch, options);
  return {
    hits: scatterAdd(counts.hits, labels, mul(weights, double(eq(labels, predictions)))),
    labels: scatterAdd(counts.labels, labels, weights),
    predictions: scatterAdd(counts.predictions, predictions, weights),
  };
}

function addLabels(op: string, counts: ClassCounts, batch: Batch, options: ClassMetricOptions): ClassCounts {
  const { output, target, weights } = batch;
  const { threshold = 0, ignoreIndex } = options;
  requireFloat(op, output, 'the output must be float32 or float64');
  const counted = countedLabels(target, ignoreIndex);
  const of = rowsOf(spoiled(weightsFor(op, target.shape, weights, counted), nanMask(output)));
  const yes = double(rowsOf(decisionsOf(target, 0.5)));
  const found = double(rowsOf(decisionsOf(output, threshold)));
  const added = (all: Tensor, more: Tensor) => add(all, reshape(sum(mul(more, of), 0), all.shape));
  return {
    hits: added(counts.hits, mul(yes, found)),
    labels: added(counts.labels, yes),
    predictions: added(counts.predictions, found),
  };
}

/** Checks that counts are of two classes, of which the second one is positive. */
export function requireTwoClasses(op: string, { hits }: ClassCounts): void {
  if (hits.ndim === 1 && hits.size === 2) return;
  throw invalid(op, "average 'binary' needs two classes; 'macro' is the mean over all", hits.size);
}

import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { invalid } from '../graph/errors.js';
import type { Tensor } from '../graph/tensor.js';
import { countedLabels } from '../nn/losses/labels.js';
import { softmax } from '../ops/nn/softmax.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { cast, sub, where } from '../ops/primitives/elementwise.js';
import { slice, squeeze, unsqueeze } from '../ops/primitives/movement.js';
import { classesOf, decisionsOf, isBinary, labelsOf } from './class-labels.js';
import type { Average } from './precision-recall.js';
import { type ProbabilityOptions, probabilityOptions } from './probabilities.js';
import { type Batch, double } from './samples.js';

/** Options of metrics of the order of scores. */
export interface RankingOptions extends ProbabilityOptions {
  /**
   * Default 'binary' for two classes and for outputs of the targets' shape, and 'macro' for more classes, each against the
   * rest. Outputs of the targets' shape, [N, L], are L labels for the averages 'macro', 'weighted' and 'none'.
   */
  readonly average?: Average;
}

export const rankingOptions = optionsOf<RankingOptions>({
  ...probabilityOptions.kinds,
  average: kinds.oneOf('binary', 'micro', 'macro', 'weighted', 'none'),
});

/** What is kept of each sample. */
export interface ScoreColumns {
  readonly [name: string]: Tensor | undefined;
  /** The score of a 1 for each target or, along the last axis, of each class. */
  readonly scores: Tensor;
  /** 0 or 1, of the shape of the scores, or labels of classes, of their shape without the last axis. */
  readonly labels: Tensor;
  readonly weights: Tensor | undefined;
  /** False for what does not count; undefined if all do. */
  readonly counted: Tensor | undefined;
}

/** What is kept of a batch: as few bytes as tell the order of the scores. */
export function scoreColumns(op: string, batch: Batch, options: RankingOptions): ScoreColumns {
  const { output, target, weights } = batch;
  const { average, ignoreIndex, outputs = 'logits' } = options;
  requireFloat(op, output, 'the output must be float32 or float64');
  const classes = classesOf(op, batch);
  const counted = countedLabels(target, ignoreIndex);
  // Any number will do for the score of what does not count, but not NaN.
  const columns = (all: Tensor, labels: Tensor): ScoreColumns => {
    const counts = counted && all.ndim > counted.ndim ? unsqueeze(counted, -1) : counted;
    return { scores: counts ? where(counts, all, 0) : all, labels, weights, counted };
  };
  if (isBinary(batch)) return columns(output, cast(decisionsOf(target, 0.5), 'bool'));
  const labels = labelsOf(op, target, counted, classes);
  if (classes === 2 && (average === undefined || average === 'binary')) {
    const [no, yes] = [0, 1].map((one) => squeeze(lastSlice(output, one), -1)) as [Tensor, Tensor];
    // The difference of the logits is in the order of the probabilities, and does not round to 0 or 1.
    return columns(outputs === 'logits' ? sub(double(yes), double(no)) : yes, cast(labels, 'bool'));
  }
  if (average === 'binary') {
    throw invalid(op, "average 'binary' needs two classes; 'macro' is the mean over all", classes);
  }
  const shares = outputs === 'logits' ? softmax(double(output)) : output;
  return columns(shares, cast(labels, classes <= 256 ? 'uint8' : 'int32'));
}

/** The slice at one place of the last axis. */
function lastSlice(x: Tensor, at: number): Tensor {
  return slice(
    x,
    x.shape.map((length, axis) => (axis === x.ndim - 1 ? [at, at + 1] : [0, length])),
  );
}

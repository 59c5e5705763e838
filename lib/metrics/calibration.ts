import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { optionsOf } from '../graph/arguments/options.js';
import { tensor, zeros } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { Figure } from '../nn/figure.js';
import { sum } from '../ops/primitives/broadcast.js';
import { abs, add, cast, div, eq, gt, sub } from '../ops/primitives/elementwise.js';
import { scatterAdd } from '../ops/primitives/gather.js';
import { unsqueeze } from '../ops/primitives/movement.js';
import { argMax, max } from '../ops/primitives/reduce.js';
import { flat } from './class-labels.js';
import { weighted } from './means.js';
import { labelled, type ProbabilityOptions, probabilitiesOf, probabilityOptions } from './probabilities.js';
import { type Batch, double } from './samples.js';

export interface CalibrationErrorOptions extends ProbabilityOptions {
  /** Number of bins of the same width that probabilities are put into. Default 15. */
  readonly bins?: number;
}

const calibrationErrorOptions = optionsOf<CalibrationErrorOptions>({
  ...probabilityOptions.kinds,
  bins: kinds.integer({ min: 1, max: 10_000 }),
});

/**
 * The expected calibration error (Guo et al. 2017): samples are put into bins by the probability of the predicted class, and
 * the distances of the bins' mean probabilities from their accuracies are averaged, by the samples in each. For outputs of
 * the targets' shape, the probability is that of 1, and it is compared with the share of the targets that are 1. A bin has
 * its upper bound, and not its lower one.
 */
export const calibrationError = checked(
  'calibrationError',
  { options: optional(calibrationErrorOptions) },
  (options: CalibrationErrorOptions = {}): Figure => {
    const { bins = 15 } = options;
    const none = () => zeros([bins], 'float64');
    return new Figure({
      init: () => ({ weight: none(), confidence: none(), hits: none() }),
      update(state, output, target, weights) {
        const batch = predictionsOf({ output, target, weights }, options);
        const places = binOf(batch.confidence, bins);
        const added = (all: Tensor, values: Tensor) =>
          scatterAdd(all, places, weighted({ values, weights: batch.weights }));
        return {
          weight: scatterAdd(state.weight, places, batch.weights),
          confidence: added(state.confidence, batch.confidence),
          hits: added(state.hits, batch.hits),
        };
      },
      merge: (a, b) => ({
        weight: add(a.weight, b.weight),
        confidence: add(a.confidence, b.confidence),
        hits: add(a.hits, b.hits),
      }),
      // The weights of the bins cancel out their means.
      result: ({ weight, confidence, hits }) => div(sum(abs(sub(confidence, hits))), sum(weight)),
    });
  },
);

/** Probabilities of predictions, and whether these are right, on one axis. */
function predictionsOf(batch: Batch, options: ProbabilityOptions) {
  const targets = labelled('calibrationError', batch, options);
  const shares = probabilitiesOf(batch.output, targets, options);
  const confidence = targets.binary ? shares : max(shares, -1);
  const hits = targets.binary ? targets.labels : double(eq(argMax(shares), targets.labels));
  return { confidence: flat(confidence), hits: flat(hits), weights: flat(targets.weights) };
}

/** The bin of each probability, int32: the number of bounds between bins that are below it. */
function binOf(shares: Tensor, bins: number): Tensor {
  const bounds = tensor(
    Float64Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins),
    { shape: [bins - 1] },
  );
  return sum(cast(gt(unsqueeze(shares, 1), bounds), 'int32'), 1);
}

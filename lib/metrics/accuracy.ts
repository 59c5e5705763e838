import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import * as losses from '../nn/losses/accuracy.js';
import type { Metric } from '../nn/losses/loss.js';

// The accuracies of `nn`, which are functions of a batch as well, with their options.

/** Checked by the functions of `nn`. */
const options = optional(kinds.anything<object>('a plain object'));

/** The share of samples whose largest output is at the label: `nn.accuracy`. */
export const accuracy = checked(
  'accuracy',
  { options },
  (given: losses.AccuracyOptions = {}): Metric => losses.accuracy.with(given),
);

/** The share of samples whose label is among the `k` largest outputs, 5 by default: `nn.topKAccuracy`. */
export const topKAccuracy = checked(
  'topKAccuracy',
  { options },
  (given: losses.TopKOptions = {}): Metric => losses.topKAccuracy.with(given),
);

/** The share of outputs that are above a threshold just where the target is above 1/2: `nn.binaryAccuracy`. */
export const binaryAccuracy = checked(
  'binaryAccuracy',
  { options },
  (given: losses.BinaryAccuracyOptions = {}): Metric => losses.binaryAccuracy.with(given),
);

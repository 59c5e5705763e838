import type { Scenario } from '../scenario.js';
import { lenet } from './lenet.js';
import { largeMlp, mnistMlp, tinyMlp } from './mlp.js';
import { mnistCnn } from './mnist-cnn.js';

/** All scenarios, the quickest first. */
export const scenarios: readonly Scenario[] = [tinyMlp, mnistMlp, lenet, mnistCnn, largeMlp];

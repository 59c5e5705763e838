import type { PredictionScenario, TrainingScenario } from '../../lib/bench/scenario.js';
import { charGpt } from '../../lib/bench/scenarios/char-gpt.js';
import { chooseScenarios } from '../../lib/bench/scenarios/index.js';
import { mnistCnn } from '../../lib/bench/scenarios/mnist-cnn.js';
import { mnistMlp } from '../../lib/bench/scenarios/mnist-mlp.js';
import { resnet18 } from '../../lib/bench/scenarios/resnet18.js';

/** Numbers of rows at which kernels change: one, few, and on both sides of a block of 16. */
export const rowCounts: readonly number[] = [1, 2, 3, 4, 8, 16, 17, 32, 128];

const models: readonly TrainingScenario[] = [mnistMlp, mnistCnn, resnet18, charGpt];

/** Predictions of the named models, or of all, for each number of rows. */
export function rowScenarios(
  names: readonly string[],
  counts: readonly number[] = rowCounts,
): readonly PredictionScenario[] {
  return chooseScenarios(models, names).flatMap(({ name, title, inputs, model }) =>
    counts.map((batchSize) => ({ kind: 'predict' as const, name, title, batchSize, inputs, model })),
  );
}

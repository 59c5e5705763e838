import { unknownName } from '../../graph/arguments/options.js';
import type { Scenario, TrainingScenario } from '../scenario.js';
import { charGpt } from './char-gpt.js';
import { largeMlp } from './large-mlp.js';
import { lenet } from './lenet.js';
import { lstm } from './lstm.js';
import { mnistCnn } from './mnist-cnn.js';
import { mnistMlp } from './mnist-mlp.js';
import { predictCnn } from './predict-cnn.js';
import { predictMlp } from './predict-mlp.js';
import { resnet18 } from './resnet18.js';
import { resnet20 } from './resnet20.js';
import { tinyMlp } from './tiny-mlp.js';

/** All scenarios, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  tinyMlp,
  mnistMlp,
  largeMlp,
  lenet,
  mnistCnn,
  resnet20,
  resnet18,
  charGpt,
  lstm,
  predictMlp,
  predictCnn,
];

/** The named scenarios of a list; all if no names are given. */
export function chooseScenarios<S extends Scenario>(
  all: readonly S[],
  names: readonly string[],
): readonly S[] {
  if (names.length === 0) return all;
  return names.map((name) => {
    const found = all.find((scenario) => scenario.name === name);
    if (found) return found;
    throw unknownName(
      'bench',
      'case',
      name,
      all.map((scenario) => scenario.name),
    );
  });
}

/** The named training scenarios; all if no names are given. */
export function chooseTrainings(names: readonly string[]): readonly TrainingScenario[] {
  const isTraining = (scenario: Scenario): scenario is TrainingScenario => scenario.kind === 'train';
  return chooseScenarios(scenarios.filter(isTraining), names);
}

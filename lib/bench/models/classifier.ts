import { nn, type Shape } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';

/** The properties in which classifiers of floats differ. */
export interface Classifier {
  readonly name: string;
  readonly title: string;
  readonly batchSize: number;
  /** Shape of one example. */
  readonly shape: Shape;
  readonly classes: number;
  model(): nn.Module;
}

/** The training step of a classifier, with cross-entropy and Adam. */
export function classifier({ shape, classes, ...rest }: Classifier): TrainingScenario {
  return {
    kind: 'train',
    ...rest,
    inputs: { dtype: 'float32', shape },
    targets: { dtype: 'int32', shape: [], below: classes },
    loss: nn.crossEntropy,
    optimizer: 'adam',
  };
}

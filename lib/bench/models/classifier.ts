import { nn, type Shape } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';

/** What differs between classifiers of floats. */
export interface Classifier {
  readonly name: string;
  readonly title: string;
  readonly batchSize: number;
  /** Of one example. */
  readonly shape: Shape;
  readonly classes: number;
  model(): nn.Module;
}

/** A classifier's training step: cross-entropy and Adam. */
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

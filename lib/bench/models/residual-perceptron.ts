import { nn } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';
import { classifier } from './classifier.js';

export interface ResidualPerceptronShape {
  readonly inputs: number;
  readonly width: number;
  readonly layers: number;
  readonly classes: number;
}

/** A perceptron with residual hidden layers; tanh bounds what each adds, at any depth. */
export function residualPerceptron({ inputs, width, layers, classes }: ResidualPerceptronShape): nn.Module {
  const hidden = Array.from(
    { length: layers },
    () => new nn.Residual(new nn.Sequential(new nn.Linear(width, width), new nn.Tanh())),
  );
  return new nn.Sequential(new nn.Linear(inputs, width), ...hidden, new nn.Linear(width, classes));
}

/** The training step of a residual perceptron that classifies vectors. */
export function residualPerceptronStep(
  name: string,
  shape: ResidualPerceptronShape,
  batchSize: number,
): TrainingScenario {
  const { inputs, width, layers, classes } = shape;
  return classifier({
    name,
    title: `${layers} residual layers of width ${width}, tanh`,
    batchSize,
    shape: [inputs],
    classes,
    model: () => residualPerceptron(shape),
  });
}

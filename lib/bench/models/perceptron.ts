import { at } from '../../graph/at.js';
import { nn } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';
import { classifier } from './classifier.js';

/** A multi-layer perceptron with ReLU between its layers. */
export function perceptron(widths: readonly number[]): nn.Module {
  const layers = widths.slice(1).flatMap((width, i): nn.Module[] => {
    const linear = new nn.Linear(at(widths, i), width);
    return i + 2 < widths.length ? [linear, new nn.ReLU()] : [linear];
  });
  return new nn.Sequential(...layers);
}

/** The training step of a perceptron that classifies vectors. */
export function perceptronStep(name: string, widths: readonly number[], batchSize: number): TrainingScenario {
  return classifier({
    name,
    title: widths.join('-'),
    batchSize,
    shape: [at(widths, 0)],
    classes: widths.at(-1) as number,
    model: () => perceptron(widths),
  });
}

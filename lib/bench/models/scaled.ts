import { nn } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';
import { classifier } from './classifier.js';
import { gptStep } from './gpt.js';
import { perceptronStep } from './perceptron.js';

/** Factors of a model's dimensions over those of the base. */
export interface Scale {
  readonly width: number;
  readonly depth: number;
  readonly batch: number;
}

/** A kind of model that can be made in all sizes. */
export type ScaledModel = (scale: Scale) => TrainingScenario;

const mlp: ScaledModel = ({ width, depth, batch }) => {
  const hidden = Array.from({ length: 2 * depth }, () => 512 * width);
  return perceptronStep('mlp', [512, ...hidden, 10], 128 * batch);
};

const cnn: ScaledModel = ({ width, depth, batch }) => {
  const maps = 32 * width;
  const layers = Array.from({ length: 2 * depth }, (_, i) => [
    new nn.Conv2d(i === 0 ? 3 : maps, maps, 3, { padding: 1 }),
    new nn.ReLU(),
  ]);
  return classifier({
    name: 'cnn',
    title: `${2 * depth} conv ${maps}@3x3, mean, 10`,
    batchSize: 32 * batch,
    shape: [32, 32, 3],
    classes: 10,
    model: () => new nn.Sequential(...layers.flat(), new nn.GlobalAvgPool(), new nn.Linear(maps, 10)),
  });
};

const transformer: ScaledModel = ({ width, depth, batch }) => {
  const heads = 4 * width;
  return gptStep(
    'transformer',
    { blocks: 2 * depth, width: 32 * heads, heads, context: 64, vocabulary: 96 },
    16 * batch,
  );
};

export const scaledModels: Readonly<Record<string, ScaledModel>> = { mlp, cnn, transformer };

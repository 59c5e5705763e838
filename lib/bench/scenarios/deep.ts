import { classifier } from '../models/classifier.js';
import { gptStep } from '../models/gpt.js';
import { perceptronStep } from '../models/perceptron.js';
import { residualPerceptronStep } from '../models/residual-perceptron.js';
import { resnet } from '../models/resnet.js';
import type { TrainingScenario } from '../scenario.js';
import { resnet20 } from './resnet20.js';

/** 64 dense layers with ReLU between them. */
export const mlp64: TrainingScenario = {
  ...perceptronStep('mlp64', [...Array.from({ length: 64 }, () => 256), 10], 2048),
  title: '64 dense layers, width 256, ReLU',
};

/** The 56-layer network of He et al. (2016) for CIFAR-10. */
export const resnet56 = classifier({
  name: 'resnet56',
  title: '3 x 9 basic blocks of 16, 32, 64 maps, batch norm',
  batchSize: 64,
  shape: [32, 32, 3],
  classes: 10,
  model: () => resnet({ widths: [16, 32, 64], blocks: 9, classes: 10 }),
});

/** The character-level transformer with twice as many blocks. */
export const gpt8 = gptStep('gpt8', { blocks: 8, width: 128, heads: 4, context: 64, vocabulary: 96 }, 32);

/** As deep as the network on which Chen et al. (2016) measured. */
export const residual1000 = residualPerceptronStep(
  'residual1000',
  { inputs: 32, width: 32, layers: 1000, classes: 10 },
  2048,
);

/** Trainings whose activations take much more memory than their parameters, on which memory budgets are measured. */
export const deepScenarios: readonly TrainingScenario[] = [mlp64, resnet20, resnet56, gpt8, residual1000];

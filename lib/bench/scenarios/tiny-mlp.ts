import { perceptronStep } from '../models/perceptron.js';

/** So small that the overhead of a step dominates. */
export const tinyMlp = perceptronStep('tiny_mlp', [16, 64, 64, 2], 32);

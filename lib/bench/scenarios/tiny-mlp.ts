import { perceptronStep } from '../models/perceptron.js';

/** So small that only what a step costs besides arithmetic counts. */
export const tinyMlp = perceptronStep('tiny_mlp', [16, 64, 64, 2], 32);

import { perceptronStep } from '../models/perceptron.js';

/** Large matrix products, and a memory-bound update. */
export const largeMlp = perceptronStep('large_mlp', [1024, 2048, 2048, 2048, 1000], 256);

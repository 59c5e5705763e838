import { perceptronStep } from '../models/perceptron.js';

/** A perceptron of a size suited to MNIST. */
export const mnistMlp = perceptronStep('mnist_mlp', [784, 512, 256, 10], 128);

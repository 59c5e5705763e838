import { perceptronStep } from '../models/perceptron.js';

/** A perceptron of the size that MNIST asks for. */
export const mnistMlp = perceptronStep('mnist_mlp', [784, 512, 256, 10], 128);

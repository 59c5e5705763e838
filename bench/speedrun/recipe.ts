import { data, nn, optim, type TrainingModule } from '../../lib/index.js';

/**
 * Our entry: three small convolutions with batch normalisation, pooled before they are normalised, and one epoch of SGD
 * with a one-cycle rate (Smith & Topin 2018) and smoothed labels.
 */
const recipe: TrainingModule = {
  model: () =>
    new nn.Sequential(
      new nn.Lambda((x) => x.mul(1 / 79).sub(0.42)),
      new nn.Conv2d(1, 8, 4, { stride: 2, padding: 1, bias: false }),
      new nn.BatchNorm2d(8),
      new nn.ReLU(),
      new nn.Conv2d(8, 16, 3, { bias: false }),
      new nn.MaxPool2d(2),
      new nn.BatchNorm2d(16),
      new nn.ReLU(),
      new nn.Conv2d(16, 64, 3, { bias: false }),
      new nn.BatchNorm2d(64),
      new nn.ReLU(),
      new nn.Flatten(),
      new nn.Linear(4 * 4 * 64, 10),
    ),
  loss: nn.crossEntropy.with({ labelSmoothing: 0.1 }),
  optimizer: ({ steps }) =>
    optim.sgd({
      lr: optim.oneCycleLR({ maxLR: 0.8, steps, pctStart: 0.3, divFactor: 10, finalDivFactor: 100 }),
      momentum: 0.9,
      nesterov: true,
      weightDecay: 2e-4,
    }),
  data: () => data.mnist(),
  epochs: 1,
  batchSize: 128,
};

export default recipe;

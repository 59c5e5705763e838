import { nn } from '../../index.js';
import { classifier } from '../models/classifier.js';

/** Two 3x3 convolutions, one pooling, two dense layers. */
export const mnistCnn = classifier({
  name: 'mnist_cnn',
  title: 'conv 32@3x3, conv 64@3x3, pool, 128-10',
  batchSize: 128,
  shape: [28, 28, 1],
  classes: 10,
  model: () =>
    new nn.Sequential(
      new nn.Conv2d(1, 32, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.Conv2d(32, 64, 3, { padding: 1 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(64 * 14 * 14, 128),
      new nn.ReLU(),
      new nn.Linear(128, 10),
    ),
});

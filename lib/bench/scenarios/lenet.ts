import { nn } from '../../index.js';
import { classifier } from '../models/classifier.js';

/** LeNet-5 (LeCun et al. 1998) with ReLU and max-pooling. */
export const lenet = classifier({
  name: 'lenet',
  title: 'conv 6@5x5, conv 16@5x5, 120-84-10',
  batchSize: 128,
  shape: [28, 28, 1],
  classes: 10,
  model: () =>
    new nn.Sequential(
      new nn.Conv2d(1, 6, 5, { padding: 2 }),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Conv2d(6, 16, 5),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(16 * 5 * 5, 120),
      new nn.ReLU(),
      new nn.Linear(120, 84),
      new nn.ReLU(),
      new nn.Linear(84, 10),
    ),
});

import { data, nn, optim, type Tensor, type TrainingModule } from 'chainrule';

/** Two convolutions and two dense layers: about 99 % accuracy on the test digits after three epochs. */
class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 16, 5, { padding: 2 });
  conv2 = new nn.Conv2d(16, 32, 5, { padding: 2 });
  fc1 = new nn.Linear(32 * 7 * 7, 128);
  fc2 = new nn.Linear(128, 10);
  dropout = new nn.Dropout(0.25);

  forward(x: Tensor): Tensor {
    const first = nn.maxPool2d(this.conv1.forward(x.div(255)).relu(), 2);
    const second = nn.maxPool2d(this.conv2.forward(first).relu(), 2);
    return this.fc2.forward(this.dropout.forward(this.fc1.forward(second.flatten(1)).relu()));
  }
}

/** `npm start` trains this on the 60,000 MNIST digits and tests it on the other 10,000. */
const training: TrainingModule = {
  model: () => new Net(),
  loss: nn.crossEntropy,
  optimizer: ({ steps }) => optim.adam({ lr: optim.cosineLR({ lr: 2e-3, steps }) }),
  data: () => data.mnist(),
  epochs: 3,
  batchSize: 128,
  seed: 1,
};

export default training;

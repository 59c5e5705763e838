import { nn, type Tensor } from '../../index.js';
import { classifier } from '../models/classifier.js';

/** Classifies each sequence by the state after its last step. */
class SequenceClassifier extends nn.Module {
  readonly lstm = new nn.LSTM(64, 256);
  readonly head = new nn.Linear(256, 10);

  /** [N, T, 64] -> [N, 10] */
  forward(x: Tensor): Tensor {
    const [hidden] = this.lstm.run(x).state as [Tensor, Tensor];
    return this.head.forward(hidden.squeeze(0));
  }
}

/** Many small matrix products, each dependent on the one before. */
export const lstm = classifier({
  name: 'lstm',
  title: '1 layer, hidden 256, 100 steps of 64, 10 classes',
  batchSize: 32,
  shape: [100, 64],
  classes: 10,
  model: () => new SequenceClassifier(),
});

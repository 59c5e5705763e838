import { concat, type DType, nn, type Tensor } from '../../../lib/index.js';

export interface SequenceShape {
  readonly vocabulary: number;
  readonly embedding: number;
  readonly hidden: number;
  readonly classes: number;
}

/** A classifier of sequences by the last states of a bidirectional LSTM of two layers: [N, T] -> [N, classes] */
export class SequenceClassifier extends nn.Module {
  readonly embedding: nn.Embedding;
  readonly lstm: nn.LSTM;
  readonly fc: nn.Linear;

  constructor({ vocabulary, embedding, hidden, classes }: SequenceShape, dtype: DType = 'float32') {
    super();
    this.embedding = new nn.Embedding(vocabulary, embedding, { paddingIdx: 0, dtype });
    this.lstm = new nn.LSTM(embedding, hidden, { numLayers: 2, bidirectional: true, dtype });
    this.fc = new nn.Linear(2 * hidden, classes, { dtype });
  }

  forward(tokens: Tensor): Tensor {
    const [h] = this.lstm.run(this.embedding.forward(tokens)).state as [Tensor, Tensor];
    const ends = [h.slice([[-2, -1]]), h.slice([[-1]])].map((end) => end.squeeze(0));
    return this.fc.forward(concat(ends, 1));
  }
}

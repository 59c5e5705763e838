import { concat, nn, type Tensor } from 'chainrule';
import { describeRecordedLayers } from '../../helpers/recorded.js';

const flat = ({ output, state }: nn.RecurrentResult): Tensor =>
  concat([output, ...state].map((x) => x.reshape([x.size])));

type Layer = new (...args: ConstructorParameters<typeof nn.LSTM>) => nn.Recurrent;

/** The layer, called with a first state; gives the outputs and the last state. */
function withState(Base: Layer, ...args: ConstructorParameters<typeof nn.LSTM>): nn.Module {
  return new (class extends Base {
    override forward(x: Tensor, ...state: Tensor[]): Tensor {
      return flat(this.run(x, { state }));
    }
  })(...args);
}

/** The layer, called with lengths and perhaps a first state; gives the outputs and the last state. */
function withLengths(Base: Layer, ...args: ConstructorParameters<typeof nn.LSTM>): nn.Module {
  return new (class extends Base {
    override forward(x: Tensor, lengths?: Tensor, ...state: Tensor[]): Tensor {
      return flat(this.run(x, { ...(lengths ? { lengths } : {}), ...(state.length > 0 ? { state } : {}) }));
    }
  })(...args);
}

class FullLSTMCell extends nn.LSTMCell {
  override forward(x: Tensor, ...state: Tensor[]): Tensor {
    return concat(this.run(x, state));
  }
}

const layers: [string, Layer][] = [
  ['RNN', nn.RNN],
  ['LSTM', nn.LSTM],
  ['GRU', nn.GRU],
];

const cases = layers.flatMap(([name, Base]): [string, () => nn.Module][] => [
  [name, () => new Base(4, 6)],
  [`${name} of one step without bias`, () => new Base(4, 3, { bias: false })],
  [`${name} of two layers with a state`, () => withState(Base, 4, 3, { numLayers: 2 })],
  [`${name} of two layers in both directions`, () => new Base(4, 3, { numLayers: 2, bidirectional: true })],
  [
    `${name} in both directions with lengths and a state`,
    () => withLengths(Base, 4, 3, { numLayers: 2, bidirectional: true }),
  ],
]);

describeRecordedLayers('recurrent', {
  ...Object.fromEntries(cases),
  RNNCell: () => new nn.RNNCell(4, 5),
  LSTMCell: () => new FullLSTMCell(4, 5),
  GRUCell: () => new nn.GRUCell(4, 5),
  'RNN with relu': () => new nn.RNN(4, 6, { nonlinearity: 'relu' }),
  'LSTM with lengths': () => withLengths(nn.LSTM, 4, 6),
});

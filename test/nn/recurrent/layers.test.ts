import {
  compile,
  concat,
  grad,
  nn,
  ones,
  optim,
  scan,
  sum,
  type Tensor,
  Trainer,
  tensor,
  zeros,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkLayer } from '../../helpers/check-layer.js';
import type { InputSpec } from '../../helpers/check-op.js';
import { type BadCall, expectBadCall } from '../../helpers/errors.js';
import { planOf } from '../../helpers/graphs.js';
import { collect, points, stepLosses } from '../../helpers/training.js';

const dtype = 'float64';
const lengths = tensor(Int32Array.of(3, 1));

class Ragged extends nn.GRU {
  override forward(x: Tensor): Tensor {
    const { output, state } = this.run(x, { lengths });
    return concat([output, ...state].map((value) => value.reshape([value.size])));
  }
}

const sequences: InputSpec = { shape: [2, 3, 2] };
const rows: InputSpec = { shape: [2, 2] };
const layers: readonly [name: string, create: () => nn.Module, inputs: readonly InputSpec[]][] = [
  ['RNN', () => new nn.RNN(2, 3, { dtype }), [sequences]],
  ['RNN of one step and one feature', () => new nn.RNN(1, 1, { dtype }), [{ shape: [1, 1, 1] }]],
  ['LSTM', () => new nn.LSTM(2, 2, { dtype }), [sequences]],
  [
    'LSTM of two layers in both directions',
    () => new nn.LSTM(2, 1, { dtype, numLayers: 2, bidirectional: true, bias: false }),
    [sequences],
  ],
  ['GRU', () => new nn.GRU(2, 2, { dtype }), [sequences]],
  [
    'GRU in both directions with lengths',
    () => new Ragged(2, 1, { dtype, bidirectional: true }),
    [sequences],
  ],
  ['RNNCell', () => new nn.RNNCell(2, 3, { dtype }), [rows, { shape: [2, 3] }]],
  ['LSTMCell', () => new nn.LSTMCell(2, 2, { dtype }), [rows, rows, { shape: [2, 2] }]],
  ['GRUCell without bias', () => new nn.GRUCell(2, 2, { dtype, bias: false }), [rows, rows]],
];

describe('gradients and second-order gradients of recurrent layers in float64', () => {
  it.each(layers)('%s', async (name, create, inputs) => {
    await checkLayer(name, create, inputs);
  });
});

describe('recurrent layers', () => {
  it('have a plan that does not grow with the sequence', () => {
    const stepsOf = (time: number) => {
      const model = new nn.LSTM(8, 16, { numLayers: 2, bidirectional: true });
      const loss = sum(model.forward(ones([4, time, 8])));
      return planOf({ outputs: grad(loss, model.parameters()) }).steps.length;
    };
    expect(stepsOf(200)).toBe(stepsOf(2));
    expect(stepsOf(200)).toBeLessThan(80);
  });

  it('keep only the last state of a sequence where no gradient wants the others', () => {
    const bytes = (time: number) => {
      const model = new nn.GRU(1, 64);
      const { state } = model.run(ones([1, time, 1]));
      return planOf({ outputs: state }).arenaBytes;
    };
    // Only the input's share grows: three gates of 64 floats a step, and the input itself.
    expect(bytes(300) - bytes(200)).toBeLessThanOrEqual(100 * 4 * (3 * 64 + 1) + 64);
  });

  it('give empty outputs and the first state for sequences of no steps', async () => {
    const model = new nn.LSTM(2, 3);
    const state = [ones([1, 2, 3]), ones([1, 2, 3])];
    const run = compile((x: Tensor) => model.run(x, { state }));
    const result = await run(ones([2, 0, 2]));
    expect(result.output.shape).toEqual([2, 0, 3]);
    expect(await (result.state[0] as Tensor).toArray()).toEqual(await (state[0] as Tensor).toArray());
  });

  it('drop out between layers in training alone', async () => {
    const model = new nn.RNN(3, 5, { numLayers: 2, dropout: 0.5 });
    const x = ones([2, 4, 3]);
    const training = await model.forward(x).toArray();
    model.eval();
    const kept = await model.forward(x).toArray();
    const without = new nn.RNN(3, 5, { numLayers: 2 }).eval();
    for (const [i, parameter] of without.parameters().entries()) {
      parameter.storage.data.set(model.parameters()[i]?.storage.data as Float32Array);
    }
    expect(await without.forward(x).toArray()).toEqual(kept);
    expect(training).not.toEqual(kept);
  });

  it('stop with an error for a length that is none', async () => {
    const model = new nn.LSTM(2, 3);
    const run = compile((x: Tensor, counts: Tensor) => model.run(x, { lengths: counts }).output);
    await expect(run(ones([2, 4, 2]), tensor(Int32Array.of(4, 5)))).rejects.toThrow(
      'LSTM: index 5 at position 1 is outside 1..4',
    );
    await expect(run(ones([2, 4, 2]), tensor(Int32Array.of(0, 4)))).rejects.toThrow(
      'LSTM: index 0 at position 0 is outside 1..4',
    );
  });
});

/** Classifies six numbers, read as a sequence of pairs. */
class Classifier extends nn.Module {
  lstm = new nn.LSTM(2, 8, { numLayers: 2, dropout: 0.2, bidirectional: true });
  fc = new nn.Linear(32, 3);

  forward(x: Tensor): Tensor {
    const { state } = this.lstm.run(x.reshape([-1, 3, 2]));
    const [hidden] = state as [Tensor];
    return this.fc.forward(hidden.permute([1, 0, 2]).flatten(1));
  }
}

/** A cell written by hand, with dropout inside of the loop. */
class Dropping extends nn.Module {
  cell = new nn.GRUCell(2, 8);
  fc = new nn.Linear(8, 3);

  forward(x: Tensor): Tensor {
    const pairs = x.reshape([-1, 3, 2]).permute([1, 0, 2]);
    const step = ([h]: Tensor[], [at]: Tensor[]) => ({
      carry: [this.cell.forward(at as Tensor, nn.dropout(h as Tensor, this.training ? 0.3 : 0))],
    });
    const { carry } = scan(step, { carry: [zeros([x.shape[0] as number, 8])], inputs: [pairs] });
    return this.fc.forward(carry[0] as Tensor);
  }
}

describe('training a recurrent classifier', () => {
  it.each<[string, () => nn.Module]>([
    ['an LSTM', () => new Classifier()],
    ['a cell with dropout in the loop', () => new Dropping()],
  ])('learns, and gives the losses of one worker on two: %s', async (_, create) => {
    const samples = points(96);
    const train = async (workers: number) => {
      const optimizer = optim.adam({ lr: 0.02 });
      const trainer = new Trainer(create(), {
        loss: nn.crossEntropy,
        optimizer,
        workers,
        shards: workers,
        seed: 3,
      });
      return stepLosses(await collect(trainer.fit(samples, { epochs: 10, batchSize: 16 })));
    };
    const one = await train(1);
    const two = await train(2);
    const mean = (losses: readonly number[]) => losses.reduce((a, b) => a + b) / losses.length;
    expect(mean(one.slice(-6))).toBeLessThan(0.7 * mean(one.slice(0, 6)));
    two.forEach((loss, i) => {
      expect(Math.abs(loss - (one[i] as number))).toBeLessThan(1e-4);
    });
  });
});

const x = ones([2, 4, 3]);
const mistakes: BadCall[] = [
  ['no features', () => new nn.RNN(0, 3), 'RNN: inputSize must be a positive integer, got 0'],
  ['half a unit', () => new nn.GRU(3, 0.5), 'GRU: hiddenSize must be a positive integer, got 0.5'],
  [
    'no layers',
    () => new nn.LSTM(3, 3, { numLayers: 0 }),
    'LSTM: numLayers must be an integer from 1 to 65536, got 0',
  ],
  [
    'all dropped',
    () => new nn.LSTM(3, 3, { dropout: 1 }),
    'LSTM: dropout must be at least 0 and less than 1, got 1',
  ],
  [
    'another nonlinearity',
    () => new nn.RNN(3, 3, { nonlinearity: 'sin' as 'tanh' }),
    "RNN: nonlinearity must be 'tanh' or 'relu', got sin",
  ],
  [
    'rows instead of sequences',
    () => new nn.LSTM(3, 3).forward(ones([2, 3])),
    'LSTM: input must be [batch, time, 3], got [2,3]',
  ],
  ['other features', () => new nn.LSTM(4, 3).forward(x), 'LSTM: input must be [batch, time, 4], got [2,4,3]'],
  [
    'one state of two',
    () => new nn.LSTM(3, 5).run(x, { state: [ones([1, 2, 5])] }),
    'LSTM: state must be 2 of [1,2,5], got [[1,2,5]]',
  ],
  [
    'float lengths',
    () => new nn.GRU(3, 5).run(x, { lengths: ones([2]) }),
    'GRU: lengths must be int32[2], got float32[2]',
  ],
  [
    'a cell on sequences',
    () => new nn.LSTMCell(3, 5).forward(x),
    'LSTMCell: input must be [batch, 3], got [2,4,3]',
  ],
  [
    'a cell with another state',
    () => new nn.GRUCell(3, 5).forward(ones([2, 3]), ones([2, 4])),
    'GRUCell: state must be 1 of [2,5], got [[2,4]]',
  ],
];

describe('mistakes with recurrent layers', () => {
  it.each(mistakes)('%s', (_, call, message) => {
    expectBadCall(call, message, 'layers.test');
  });
});

import { compile, nn, stack, type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../../helpers/random-graph/random.js';

const dtype = 'float64';
const random = (shape: readonly number[], seed: number): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from(hashUniform(size, seed, -1, 1)), { shape });
};

const families = [
  [nn.RNN, nn.RNNCell],
  [nn.LSTM, nn.LSTMCell],
  [nn.GRU, nn.GRUCell],
] as const;

/** The layer of one direction, with the parameters of a cell. */
function pair(kind: number, features: number, hidden: number): [nn.Recurrent, nn.RecurrentCell] {
  const [Layer, Cell] = families[kind] as (typeof families)[number];
  const layer = new Layer(features, hidden, { dtype });
  const cell = new Cell(features, hidden, { dtype });
  cell.parameters().forEach((parameter, i) => {
    parameter.storage.data.set(hashUniform(parameter.size, 20 + i, -1, 1));
    layer.parameters()[i]?.storage.data.set(parameter.storage.data);
  });
  return [layer, cell];
}

/** Each sequence by itself, step by step, as far as it goes. */
function unrolled(cell: nn.RecurrentCell, x: Tensor, lengths: readonly number[]) {
  const [, steps = 0] = x.shape;
  const sequences = lengths.map((length, n) => {
    const row = (t: number) =>
      x
        .slice([
          [n, n + 1],
          [t, t + 1],
        ])
        .reshape([1, cell.inputSize]);
    const outputs: Tensor[] = [];
    let state: Tensor[] = [];
    for (let t = 0; t < length; t++) {
      state = cell.run(row(t), state);
      outputs.push((state[0] as Tensor).reshape([cell.hiddenSize]));
    }
    while (outputs.length < steps) outputs.push((outputs[0] as Tensor).mul(0));
    return { output: stack(outputs), state: state[0] as Tensor };
  });
  return {
    output: stack(sequences.map(({ output }) => output)),
    state: stack(sequences.map(({ state }) => state.reshape([cell.hiddenSize]))),
  };
}

describe('recurrent layers of any size', () => {
  it('do at once what their cells do step by step', async () => {
    const size = fc.integer({ min: 1, max: 6 });
    const cases = fc.tuple(
      fc.nat(2),
      size,
      size,
      size,
      size,
      fc.array(fc.nat(100), { minLength: 6, maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([kind, batch, steps, features, hidden, draws]) => {
        const [layer, cell] = pair(kind, features, hidden);
        const lengths = draws.slice(0, batch).map((draw) => 1 + (draw % steps));
        const run = compile((x: Tensor, counts: Tensor) => {
          const { output, state } = layer.run(x, { lengths: counts });
          return { all: layer.run(x).output, output, state: state[0] as Tensor };
        });
        const naive = compile((x: Tensor) => ({
          all: unrolled(
            cell,
            x,
            lengths.map(() => steps),
          ).output,
          ...unrolled(cell, x, lengths),
        }));
        const x = random([batch, steps, features], 3);
        const found = await run(x, tensor(Int32Array.from(lengths)));
        const expected = await naive(x);
        for (const name of ['all', 'output', 'state'] as const) {
          const [actual, wanted] = [await found[name].data(), await expected[name].data()];
          expect(actual.length).toBe(wanted.length);
          actual.forEach((value, i) => {
            expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-12);
          });
        }
        run.release();
        naive.release();
      }),
      { numRuns: 25 },
    );
  });
});

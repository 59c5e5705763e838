import { at } from '../../graph/at.js';
import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { Recurrent } from '../../nn/layers/recurrent.js';
import { RecurrentCell } from '../../nn/layers/recurrent-cell.js';
import { plainStep, type RecurrentStep } from '../../nn/layers/recurrent-steps.js';
import { add, mul, sigmoid, sub, tanh } from '../../ops/primitives/elementwise.js';
import { flip } from '../../ops/primitives/flip.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { concat, sliceAxis, transpose } from '../../ops/primitives/movement.js';
import { about, permutations, type Suspicion, withWeights } from './hypothesis.js';

const GATES = { 4: ['input', 'forget', 'cell', 'output'], 3: ['reset', 'update', 'new'] } as const;

/** The weights and biases of a layer by field, each of which has the gates one below the other. */
function weightsOf(layer: nn.Module): [string, Tensor][] {
  return layer.namedParameters().map(([name, parameter]) => [name, parameter]);
}

/** Gates in another order. */
export const orderOfGates: Suspicion = about(
  [nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell],
  function* (layer, evidence) {
    const count = layer instanceof nn.LSTM || layer instanceof nn.LSTMCell ? 4 : 3;
    const own = Array.from({ length: count }, (_, i) => i);
    for (const order of permutations(own).slice(1)) {
      // Gate `i` of ours stands at the place that it has in their order.
      const names = order.map((gate) => GATES[count][gate]).join(', ');
      yield {
        reason: `the gates in its weights are in the order ${names}`,
        output: () =>
          withWeights(
            evidence,
            Object.fromEntries(
              weightsOf(layer).map(([name, weight]) => [
                name,
                gatesOf(
                  weight,
                  own.map((gate) => order.indexOf(gate)),
                ),
              ]),
            ),
          ),
      };
    }
  },
);

/** The rows of a weight, gate by gate, in an order. */
function gatesOf(weight: Tensor, order: readonly number[]): Tensor {
  const size = at(weight.shape, 0) / order.length;
  return concat(order.map((gate) => sliceAxis(weight, 0, gate * size, (gate + 1) * size)));
}

/** Sequences from the other end, directions swapped, or one bias in place of two. */
export const otherRecurrence: Suspicion = about([Recurrent, RecurrentCell], function* (layer, evidence) {
  const { input: x, graph, output } = evidence;
  if (x.ndim === 3) {
    yield {
      reason: 'the original reads the sequences from their ends',
      output: () => flip(graph.given(flip(x, [1])), [1]),
    };
    yield {
      reason: 'recorded with the time in front of the samples, as without batch_first',
      output: () => transpose(graph.given(transpose(x, 0, 1)), 0, 1),
    };
    const half = at(output.shape, 2) / 2;
    if (Number.isInteger(half))
      yield {
        reason: 'the original has the two directions in the other order',
        output: () => concat([sliceAxis(output, 2, half, 2 * half), sliceAxis(output, 2, 0, half)], 2),
      };
  }
  for (const bias of ['bias_hh', 'bias_ih']) {
    const zeros = weightsOf(layer).filter(([name]) => name.startsWith(bias));
    yield {
      reason: `the original has no ${bias}`,
      output: () =>
        withWeights(evidence, Object.fromEntries(zeros.map(([name, weight]) => [name, mul(weight, 0)]))),
    };
  }
});

/** The gated recurrent unit of Cho et al. (2014): the reset gate comes before the product with the state. */
const resetFirst: RecurrentStep = {
  gates: 3,
  carries: 1,
  next: (x, [h], { weight, inputBias, hiddenBias }) => {
    const state = h as Tensor;
    const size = at(state.shape, 1);
    const part = (index: number, from: Tensor) => {
      const rows = (w: Tensor) => sliceAxis(w, 0, index * size, (index + 1) * size);
      const own = sliceAxis(x, 1, index * size, (index + 1) * size);
      const biases = [inputBias, hiddenBias].filter((bias) => bias !== undefined).map(rows);
      return biases.reduce(add, add(own, matmul(from, rows(weight), { transposeB: true })));
    };
    const [reset, update] = [sigmoid(part(0, state)), sigmoid(part(1, state))];
    return [add(mul(sub(1, update), tanh(part(2, mul(reset, state)))), mul(update, state))];
  },
};

/** What a recurrent layer of another step gives with the same weights. */
function stepped(layer: Recurrent, step: RecurrentStep, x: Tensor): Tensor {
  const { inputSize, hiddenSize, numLayers, bidirectional, bias_ih_l0 } = layer;
  const other = new (class extends Recurrent {})(
    'GRU',
    () => step,
    inputSize,
    hiddenSize,
    { numLayers, bidirectional, bias: bias_ih_l0 !== undefined },
    [],
  );
  return Object.assign(other, Object.fromEntries(layer.namedParameters())).forward(x);
}

/** The reset gate before the product, or another activation. */
export const otherStep: Suspicion = about([nn.GRU, nn.RNN], function* (layer, { input: x }) {
  if (layer instanceof nn.GRU)
    yield {
      reason: 'the original has the reset gate before the product with the state, as with reset_after=False',
      output: () => stepped(layer, resetFirst, x),
    };
  else
    for (const nonlinearity of ['relu', 'tanh'] as const)
      yield {
        reason: `the original has nonlinearity '${nonlinearity}'`,
        output: () => stepped(layer, plainStep({ nonlinearity }), x),
      };
});

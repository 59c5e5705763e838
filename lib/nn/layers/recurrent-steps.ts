import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import type { Tensor } from '../../graph/tensor.js';
import { add, mul, relu, sigmoid, sub, tanh } from '../../ops/primitives/elementwise.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { slice } from '../../ops/primitives/movement.js';

/** The parameters of a step besides the input's weight: `weight` is [gates * H, H], each bias [gates * H]. */
export interface StepWeights {
  readonly weight: Tensor;
  readonly inputBias: Tensor | undefined;
  readonly hiddenBias: Tensor | undefined;
}

/** The arithmetic of a recurrent cell. */
export interface RecurrentStep {
  /** Number of gates, each of the hidden size, stacked in weights and biases. */
  readonly gates: number;
  /** Number of carried values; the first is the output. */
  readonly carries: number;
  /**
   * The carried values after one step.
   *
   * @param x [N, gates * H], the input times its weight
   * @param carry each [N, H]
   */
  next(x: Tensor, carry: readonly Tensor[], weights: StepWeights): Tensor[];
}

function hidden(h: Tensor, weight: Tensor): Tensor {
  return matmul(h, weight, { transposeB: true });
}

function biased(x: Tensor, ...biases: readonly (Tensor | undefined)[]): Tensor {
  const [first, ...rest] = biases.filter((bias) => bias !== undefined);
  return first ? add(x, rest.reduce(add, first)) : x;
}

/** The columns of one gate. */
function gate(x: Tensor, index: number, size: number): Tensor {
  return slice(x, [[], [index * size, (index + 1) * size]]);
}

const plain = (activation: (x: Tensor) => Tensor): RecurrentStep => ({
  gates: 1,
  carries: 1,
  next: (x, carry, { weight, inputBias, hiddenBias }) => [
    activation(biased(add(x, hidden(at(carry, 0), weight)), inputBias, hiddenBias)),
  ],
});

/** `tanh(x + W h + b)` (Elman 1990). */
const tanhStep: RecurrentStep = plain(tanh);

/** `relu(x + W h + b)`. */
const reluStep: RecurrentStep = plain(relu);

/** The kind of the option that chooses the activation of a plain recurrent network. */
export const nonlinearity = kinds.oneOf('tanh', 'relu');

/** The step of a plain recurrent network. */
export function plainStep(options: { readonly nonlinearity?: 'tanh' | 'relu' }): RecurrentStep {
  return options.nonlinearity === 'relu' ? reluStep : tanhStep;
}

/** Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000); gates input, forget, cell, output. */
export const lstmStep: RecurrentStep = {
  gates: 4,
  carries: 2,
  next: (x, carry, { weight, inputBias, hiddenBias }) => {
    const [h, c] = carry as [Tensor, Tensor];
    const size = at(h.shape, 1);
    const gates = biased(add(x, hidden(h, weight)), inputBias, hiddenBias);
    const input = sigmoid(gate(gates, 0, size));
    const forget = sigmoid(gate(gates, 1, size));
    const candidate = tanh(gate(gates, 2, size));
    const output = sigmoid(gate(gates, 3, size));
    const cell = add(mul(forget, c), mul(input, candidate));
    return [mul(output, tanh(cell)), cell];
  },
};

/**
 * The gated recurrent unit (Cho et al. 2014), with the reset gate applied after the product; gates reset, update,
 * new.
 */
export const gruStep: RecurrentStep = {
  gates: 3,
  carries: 1,
  next: (x, carry, { weight, inputBias, hiddenBias }) => {
    const h = at(carry, 0);
    const size = at(h.shape, 1);
    const fromInput = biased(x, inputBias);
    const fromHidden = biased(hidden(h, weight), hiddenBias);
    const both = (index: number) => add(gate(fromInput, index, size), gate(fromHidden, index, size));
    const reset = sigmoid(both(0));
    const update = sigmoid(both(1));
    const candidate = tanh(add(gate(fromInput, 2, size), mul(reset, gate(fromHidden, 2, size))));
    return [add(mul(sub(1, update), candidate), mul(update, h))];
  },
};

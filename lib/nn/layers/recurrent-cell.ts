import { requireArguments, rest } from '../../graph/arguments/checked.js';
import { listOf, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { zeros } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { torchDefault } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { checkLayer } from '../layer-methods.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { gruStep, lstmStep, nonlinearity, plainStep, type RecurrentStep } from './recurrent-steps.js';

/** Options that recurrent cells share. */
export interface RecurrentCellOptions {
  /** True to add biases. Default true. */
  readonly bias?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const cellOptions = optionsOf<RecurrentCellOptions>({ bias: kinds.boolean, dtype: kinds.dtype });

/** One step of a recurrent network, with PyTorch's parameter names. */
export abstract class RecurrentCell extends Module {
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter | undefined;
  readonly bias_hh: Parameter | undefined;
  readonly #step: RecurrentStep;
  readonly #name: string;

  constructor(
    name: string,
    step: () => RecurrentStep,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: RecurrentCellOptions,
    surplus: readonly unknown[],
    known: Options<RecurrentCellOptions> = cellOptions,
  ) {
    const parameters = { inputSize: kinds.count, hiddenSize: kinds.count, options: optional(known) };
    requireArguments(name, parameters, [inputSize, hiddenSize, options, ...surplus]);
    super();
    const { bias = true, dtype = 'float32' } = options;
    this.#name = name;
    this.#step = step();
    const rows = this.#step.gates * hiddenSize;
    const parameter = (shape: readonly number[]) =>
      new Parameter(shape, { init: torchDefault, fanIn: hiddenSize, dtype });
    this.weight_ih = parameter([rows, inputSize]);
    this.weight_hh = parameter([rows, hiddenSize]);
    this.bias_ih = bias ? parameter([rows]) : undefined;
    this.bias_hh = bias ? parameter([rows]) : undefined;
  }

  /**
   * The hidden value after one step; `run` gives the whole state.
   *
   * @param x [N, inputSize]
   * @param state previous state, each [N, hiddenSize]; zeros by default
   */
  forward(x: Tensor, ...state: Tensor[]): Tensor {
    return at(this.run(x, state), 0);
  }

  /** The state after one step, each [N, hiddenSize]. The previous state is zeros by default. */
  run(x: Tensor, state: readonly Tensor[] = []): Tensor[] {
    const { inputSize, hiddenSize } = this;
    if (x.ndim !== 2 || x.shape[1] !== inputSize) {
      throw invalid(this.#name, `input must be [batch, ${inputSize}]`, formatShape(x.shape));
    }
    requireInputDType(this.#name, x, this.weight_ih);
    const shape = [at(x.shape, 0), hiddenSize];
    const { carries, next } = this.#step;
    const given = state.length > 0 ? state : Array.from({ length: carries }, () => zeros(shape, x.dtype));
    if (given.length !== carries || !given.every((value) => sameShape(value.shape, shape))) {
      const received = given.map((value) => value.shape);
      throw invalid(this.#name, `state must be ${carries} of ${formatShape(shape)}`, received);
    }
    const weights = { weight: this.weight_hh, inputBias: this.bias_ih, hiddenBias: this.bias_hh };
    return next(matmul(x, this.weight_ih, { transposeB: true }), given, weights);
  }
}

checkLayer(RecurrentCell, {
  forward: { x: kinds.tensor, state: rest(kinds.tensor) },
  run: { x: kinds.tensor, state: optional(listOf(kinds.tensor, 'tensors')) },
});

/** Options of `RNNCell`. */
export interface RNNCellOptions extends RecurrentCellOptions {
  /** Activation of the step. Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

const rnnCellOptions = optionsOf<RNNCellOptions>({ ...cellOptions.kinds, nonlinearity });

/** One step of `RNN`, as `torch.nn.RNNCell`. Its state is [h]. */
export class RNNCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}, ...surplus: []) {
    super('RNNCell', () => plainStep(options), inputSize, hiddenSize, options, surplus, rnnCellOptions);
  }
}

/** One step of `LSTM`, as `torch.nn.LSTMCell`. Its state is [h, c]. */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}, ...surplus: []) {
    super('LSTMCell', () => lstmStep, inputSize, hiddenSize, options, surplus);
  }
}

/** One step of `GRU`, as `torch.nn.GRUCell`. Its state is [h]. */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}, ...surplus: []) {
    super('GRUCell', () => gruStep, inputSize, hiddenSize, options, surplus);
  }
}

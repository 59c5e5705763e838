import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, invalid, requireInteger, requireOptions } from '../../graph/errors.js';
import { zeros } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { torchDefault } from '../init.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { gruStep, lstmStep, plainStep, type RecurrentStep } from './recurrent-steps.js';

/** Options that recurrent cells share. */
export interface RecurrentCellOptions {
  /** True to add biases. Default true. */
  readonly bias?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

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
    step: RecurrentStep,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: RecurrentCellOptions,
  ) {
    super();
    requireOptions(name, options);
    const { bias = true, dtype = 'float32' } = options;
    requireInteger(name, 'inputSize', inputSize, { min: 1 });
    requireInteger(name, 'hiddenSize', hiddenSize, { min: 1 });
    this.#name = name;
    this.#step = step;
    const rows = step.gates * hiddenSize;
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

/** Options of `RNNCell`. */
export interface RNNCellOptions extends RecurrentCellOptions {
  /** Activation of the step. Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** One step of `RNN`, as `torch.nn.RNNCell`. Its state is [h]. */
export class RNNCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super('RNNCell', plainStep('RNNCell', options.nonlinearity), inputSize, hiddenSize, options);
  }
}

/** One step of `LSTM`, as `torch.nn.LSTMCell`. Its state is [h, c]. */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super('LSTMCell', lstmStep, inputSize, hiddenSize, options);
  }
}

/** One step of `GRU`, as `torch.nn.GRUCell`. Its state is [h]. */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentCellOptions = {}) {
    super('GRUCell', gruStep, inputSize, hiddenSize, options);
  }
}

import { requireArguments } from '../../graph/arguments/checked.js';
import { either, listOf, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { type Options, optionsOf } from '../../graph/arguments/options.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { formatShape, formatType, invalid } from '../../graph/errors.js';
import { arange, zeros } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { dropout } from '../../ops/nn/dropout.js';
import { lt, where } from '../../ops/primitives/elementwise.js';
import { checkRange } from '../../ops/primitives/gather.js';
import { matmul } from '../../ops/primitives/matmul.js';
import { concat, permute, reshape, slice } from '../../ops/primitives/movement.js';
import { scan } from '../../ops/scan/scan.js';
import { torchDefault } from '../init.js';
import { requireInputDType } from '../input-dtype.js';
import { layerCount } from '../kinds.js';
import { checkLayer } from '../layer-methods.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { gruStep, lstmStep, nonlinearity, plainStep, type RecurrentStep } from './recurrent-steps.js';

/** Options that recurrent layers share. */
export interface RecurrentOptions {
  /** Number of stacked layers, each reading the outputs of the one below. Default 1. */
  readonly numLayers?: number;
  /** True to add biases. Default true. */
  readonly bias?: boolean;
  /** In training, the probability of dropout on the outputs of every layer but the last. Default 0. */
  readonly dropout?: number;
  /** True to add a second set of weights that reads each sequence from its end; its outputs follow. Default false. */
  readonly bidirectional?: boolean;
  /** Dtype of the parameters. Default float32. */
  readonly dtype?: DType;
}

const recurrentOptions = optionsOf<RecurrentOptions>({
  numLayers: layerCount,
  bias: kinds.boolean,
  dropout: kinds.share,
  bidirectional: kinds.boolean,
  dtype: kinds.dtype,
});

/** Inputs of a recurrent layer besides the sequences. */
export interface RecurrentInputs {
  /**
   * [N], int32: number of real steps of each sequence, from 1 to T. Outputs after them are 0, the final state is the
   * one after the last of them, and the reverse direction starts there, as with PyTorch's packed sequences.
   */
  readonly lengths?: Tensor | null;
  /** Initial state, each [numLayers * directions, N, H]. Zeros by default. */
  readonly state?: readonly Tensor[] | null;
}

const recurrentInputs = optionsOf<RecurrentInputs>({
  lengths: either(kinds.tensor, kinds.none),
  state: either(listOf(kinds.tensor, 'tensors'), kinds.none),
});

/** Results of a recurrent layer. */
export type RecurrentResult = {
  /** [N, T, directions * H], the outputs of the last layer. */
  readonly output: Tensor;
  /** The final state of every layer and direction, each [numLayers * directions, N, H]. */
  readonly state: Tensor[];
};

/**
 * A recurrent network over sequences [N, T, F], batch first. Parameters have PyTorch's names: `weight_ih_l0`,
 * `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on for each layer, with `_reverse` for the other direction.
 */
export abstract class Recurrent extends Module {
  readonly [weight: `weight_${string}`]: Parameter;
  readonly [bias: `bias_${string}`]: Parameter | undefined;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly dropout: number;
  readonly #step: RecurrentStep;
  readonly #name: string;

  constructor(
    name: string,
    step: () => RecurrentStep,
    readonly inputSize: number,
    readonly hiddenSize: number,
    options: RecurrentOptions,
    surplus: readonly unknown[],
    known: Options<RecurrentOptions> = recurrentOptions,
  ) {
    const parameters = { inputSize: kinds.count, hiddenSize: kinds.count, options: optional(known) };
    requireArguments(name, parameters, [inputSize, hiddenSize, options, ...surplus]);
    super();
    const { numLayers = 1, bias = true, dropout: rate = 0, bidirectional = false, dtype } = options;
    this.#name = name;
    this.#step = step();
    this.numLayers = numLayers;
    this.bidirectional = bidirectional;
    this.dropout = rate;
    const rows = this.#step.gates * hiddenSize;
    const parameter = (shape: readonly number[]) =>
      new Parameter(shape, { init: torchDefault, fanIn: hiddenSize, ...(dtype ? { dtype } : {}) });
    const made: Record<string, Parameter> = {};
    for (const { layer, suffix } of this.#directions()) {
      const size = layer === 0 ? inputSize : hiddenSize * (bidirectional ? 2 : 1);
      made[`weight_ih_${suffix}`] = parameter([rows, size]);
      made[`weight_hh_${suffix}`] = parameter([rows, hiddenSize]);
      if (bias) made[`bias_ih_${suffix}`] = parameter([rows]);
      if (bias) made[`bias_hh_${suffix}`] = parameter([rows]);
    }
    // Own fields, so that paths match PyTorch's.
    Object.assign(this, made);
  }

  /** [N, T, inputSize] -> [N, T, directions * hiddenSize], from a state of zeros. */
  forward(x: Tensor): Tensor {
    return this.run(x).output;
  }

  /** As `forward`, with lengths and an initial state; also returns the final state. */
  run(x: Tensor, given: RecurrentInputs = {}): RecurrentResult {
    const { lengths, state } = given;
    const { inputSize, hiddenSize, numLayers } = this;
    if (x.ndim !== 3 || x.shape[2] !== inputSize) {
      throw invalid(this.#name, `input must be [batch, time, ${inputSize}]`, formatShape(x.shape));
    }
    requireInputDType(this.#name, x, this.weight_ih_l0 ?? null);
    const [batch, steps] = x.shape as [number, number];
    const first = this.#firstState(state, batch, x.dtype);
    const real = lengths ? realSteps(this.#name, lengths, batch, steps) : undefined;
    const last: Tensor[][] = [];
    let below = permute(x, [1, 0, 2]);
    for (let layer = 0; layer < numLayers; layer++) {
      const directions = this.#directions().filter((direction) => direction.layer === layer);
      const outputs = directions.map(({ suffix, reverse }) => {
        const carry = first.map((all) =>
          reshape(slice(all, [[last.length, last.length + 1]]), [batch, hiddenSize]),
        );
        const { output, state: end } = this.#walk(below, carry, suffix, reverse, real);
        last.push(end);
        return output;
      });
      below = concat(outputs, 2);
      // Dropout draws with the samples first, so that its numbers do not depend on how a batch is split.
      const drop = this.training && layer + 1 < numLayers && this.dropout > 0;
      if (drop) below = permute(dropout(permute(below, [1, 0, 2]), this.dropout), [1, 0, 2]);
    }
    const stacked = first.map((_, i) =>
      concat(last.map((end) => reshape(at(end, i), [1, batch, hiddenSize]))),
    );
    return { output: permute(below, [1, 0, 2]), state: stacked };
  }

  /** One direction of one layer over [T, N, F]. */
  #walk(
    x: Tensor,
    carry: readonly Tensor[],
    suffix: string,
    reverse: boolean,
    real: Tensor | undefined,
  ): { output: Tensor; state: Tensor[] } {
    const weights = {
      weight: this[`weight_hh_${suffix}`] as Tensor,
      inputBias: this[`bias_ih_${suffix}`],
      hiddenBias: this[`bias_hh_${suffix}`],
    };
    // The input's contribution to all steps is one large product.
    const fromInput = matmul(x, this[`weight_ih_${suffix}`] as Tensor, { transposeB: true });
    const { carry: state, outputs } = scan(
      (before, [input, isReal]) => {
        const next = this.#step.next(input as Tensor, before, weights);
        if (!isReal) return { carry: next, outputs: [at(next, 0)] };
        const kept = next.map((value, i) => where(isReal, value, at(before, i)));
        return { carry: kept, outputs: [where(isReal, at(next, 0), 0)] };
      },
      { carry, inputs: real ? [fromInput, real] : [fromInput], reverse },
    );
    return { output: at(outputs, 0), state };
  }

  #directions(): { layer: number; suffix: string; reverse: boolean }[] {
    return Array.from({ length: this.numLayers }, (_, layer) => layer).flatMap((layer) => [
      { layer, suffix: `l${layer}`, reverse: false },
      ...(this.bidirectional ? [{ layer, suffix: `l${layer}_reverse`, reverse: true }] : []),
    ]);
  }

  #firstState(state: readonly Tensor[] | null | undefined, batch: number, dtype: DType): readonly Tensor[] {
    const { carries } = this.#step;
    const shape = [this.numLayers * (this.bidirectional ? 2 : 1), batch, this.hiddenSize];
    if (!state) return Array.from({ length: carries }, () => zeros(shape, dtype));
    if (state.length !== carries || !state.every((value) => sameShape(value.shape, shape))) {
      const received = state.map((value) => value.shape);
      throw invalid(this.#name, `state must be ${carries} of ${formatShape(shape)}`, received);
    }
    return state;
  }
}

checkLayer(Recurrent, {
  forward: { x: kinds.tensor },
  run: { x: kinds.tensor, options: optional(recurrentInputs) },
});

/** True for each real step [T] of each sequence [N], as bool [T, N, 1]. */
function realSteps(op: string, lengths: Tensor, batch: number, steps: number): Tensor {
  if (lengths.dtype !== 'int32' || lengths.ndim !== 1 || lengths.shape[0] !== batch) {
    throw invalid(op, `lengths must be int32[${batch}]`, formatType(lengths));
  }
  const checked = checkRange(op, lengths, 1, steps + 1);
  return lt(reshape(arange(steps, 'int32'), [steps, 1, 1]), reshape(checked, [1, batch, 1]));
}

/** Options of `RNN`. */
export interface RNNOptions extends RecurrentOptions {
  /** Activation of each step. Default 'tanh'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

const rnnOptions = optionsOf<RNNOptions>({ ...recurrentOptions.kinds, nonlinearity });

/** A plain recurrent network (Elman 1990), `h = tanh(W x + b + W' h + b')`, as `torch.nn.RNN`. Its state is [h]. */
export class RNN extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}, ...surplus: []) {
    super('RNN', () => plainStep(options), inputSize, hiddenSize, options, surplus, rnnOptions);
  }
}

/** Long short-term memory (Hochreiter & Schmidhuber 1997), as `torch.nn.LSTM`. Its state is [h, c]. */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}, ...surplus: []) {
    super('LSTM', () => lstmStep, inputSize, hiddenSize, options, surplus);
  }
}

/** Gated recurrent units (Cho et al. 2014), as `torch.nn.GRU`. Its state is [h]. */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}, ...surplus: []) {
    super('GRU', () => gruStep, inputSize, hiddenSize, options, surplus);
  }
}

import type { Tensor } from '../graph/tensor.js';
import type { LayerCall } from '../health/record.js';
import * as nn from '../nn/index.js';
import { Recurrent } from '../nn/layers/recurrent.js';
import { RecurrentCell } from '../nn/layers/recurrent-cell.js';
import type { AnyModule } from '../nn/module.js';

// Which values have their channels in front in PyTorch, and behind here. The layers tell.

/** Where a value of a model has its channels in PyTorch: in front of the positions, or behind them as here. */
export type Arrangement = 'channelsFirst' | 'channelsLast';

const channelsFirst = [
  nn.Conv1d,
  nn.Conv2d,
  nn.Conv3d,
  nn.ConvTranspose1d,
  nn.ConvTranspose2d,
  nn.ConvTranspose3d,
  nn.BatchNorm1d,
  nn.BatchNorm2d,
  nn.BatchNorm3d,
  nn.GroupNorm,
  nn.InstanceNorm1d,
  nn.InstanceNorm2d,
  nn.LocalResponseNorm,
  nn.MaxPool1d,
  nn.MaxPool2d,
  nn.MaxPool3d,
  nn.AvgPool1d,
  nn.AvgPool2d,
  nn.AvgPool3d,
  nn.AdaptiveAvgPool1d,
  nn.AdaptiveAvgPool2d,
  nn.AdaptiveMaxPool1d,
  nn.AdaptiveMaxPool2d,
  nn.Upsample,
  nn.PixelShuffle,
  nn.PixelUnshuffle,
  nn.Dropout1d,
  nn.Dropout2d,
];

const channelsLast = [
  nn.Linear,
  nn.Embedding,
  nn.RMSNorm,
  nn.MultiheadAttention,
  nn.TransformerEncoderLayer,
  nn.TransformerDecoderLayer,
  nn.TransformerEncoder,
  nn.TransformerDecoder,
  nn.SinusoidalEncoding,
  nn.LearnedEncoding,
  Recurrent,
  RecurrentCell,
];

/** What a class of layers says of its inputs and outputs; undefined if it takes any. */
function ofLayer(layer: AnyModule): Arrangement | undefined {
  if (channelsFirst.some((type) => layer instanceof type)) return 'channelsFirst';
  return channelsLast.some((type) => layer instanceof type) ? 'channelsLast' : undefined;
}

/** The arrangements of a model's values, as its layers take and give them. */
export class Arrangements {
  readonly #known = new Map<Tensor, Arrangement>();

  constructor(calls: readonly LayerCall[]) {
    for (const { module, inputs, output } of calls) {
      const arrangement = ofLayer(module);
      if (!arrangement) continue;
      // What made a value says more about it than what reads it.
      for (const input of inputs) if (!this.#known.has(input)) this.#known.set(input, arrangement);
      this.#known.set(output, arrangement);
    }
  }

  /** The arrangement of a value: its own, or that of the nearest value of as many axes that it was computed from. */
  of(value: Tensor): Arrangement | undefined {
    const seen = new Set([value]);
    for (const node of seen) {
      const known = this.#known.get(node);
      if (known) return known;
      for (const input of node.inputs) if (input.ndim === value.ndim) seen.add(input);
    }
    return undefined;
  }

  /** The arrangement that the first layer wants behind an input of the model. */
  wanted(input: Tensor): Arrangement | undefined {
    for (const [value, arrangement] of this.#known) if (this.#leadsTo(input, value)) return arrangement;
    return undefined;
  }

  #leadsTo(input: Tensor, value: Tensor): boolean {
    const seen = new Set([value]);
    for (const node of seen) {
      if (node === input) return true;
      if (node !== value && this.#known.has(node)) continue;
      for (const inner of node.inputs) if (inner.ndim === input.ndim) seen.add(inner);
    }
    return false;
  }
}

import { requireArguments } from '../../graph/arguments/checked.js';
import { either, optional, requireKind } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { invalid } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { layerCount, module, requireTensor } from '../kinds.js';
import { checkLayer } from '../layer-methods.js';
import { Module } from '../module.js';
import { type AttentionMasks, attentionMasks } from './attention.js';
import {
  type DecoderMasks,
  decoderMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
} from './transformer.js';

/** Options of `TransformerEncoder` and `TransformerDecoder`. */
export interface TransformerStackOptions {
  /** Applied to the last layer's output. Default: none. */
  readonly norm?: Module | null;
}

const parameters = {
  numLayers: layerCount,
  layer: kinds.callback('a function that makes a layer'),
  options: optional(optionsOf<TransformerStackOptions>({ norm: either(module, kinds.none) })),
};

/**
 * A stack of encoder layers, as `torch.nn.TransformerEncoder`: `layers.0`, `layers.1`, ... and `norm`.
 *
 *     new nn.TransformerEncoder(6, () => new nn.TransformerEncoderLayer(64, 4), { norm: new nn.LayerNorm(64) })
 */
export class TransformerEncoder extends Module {
  readonly layers: readonly TransformerEncoderLayer[];
  readonly norm: Module | null;

  /** @param layer makes the layer at each position */
  constructor(
    numLayers: number,
    layer: (place: number) => TransformerEncoderLayer,
    options: TransformerStackOptions = {},
    ...surplus: []
  ) {
    requireArguments('TransformerEncoder', parameters, [numLayers, layer, options, ...surplus]);
    super();
    this.layers = stack('TransformerEncoder', numLayers, layer, TransformerEncoderLayer);
    this.norm = options.norm ?? null;
  }

  /** [N, T, embedDim] -> the same shape. */
  forward(x: Tensor): Tensor {
    return this.encode(x);
  }

  /** As `forward`, with masks of every layer's self-attention. */
  encode(x: Tensor, masks: AttentionMasks = {}): Tensor {
    const result = this.layers.reduce((value, layer) => layer.encode(value, masks), x);
    return normalised('TransformerEncoder', this.norm, result);
  }
}

checkLayer(TransformerEncoder, {
  forward: { x: kinds.tensor },
  encode: { x: kinds.tensor, options: optional(attentionMasks) },
});

/** A stack of decoder layers, as `torch.nn.TransformerDecoder`: `layers.0`, `layers.1`, ... and `norm`. */
export class TransformerDecoder extends Module {
  readonly layers: readonly TransformerDecoderLayer[];
  readonly norm: Module | null;

  /** @param layer makes the layer at each position */
  constructor(
    numLayers: number,
    layer: (place: number) => TransformerDecoderLayer,
    options: TransformerStackOptions = {},
    ...surplus: []
  ) {
    requireArguments('TransformerDecoder', parameters, [numLayers, layer, options, ...surplus]);
    super();
    this.layers = stack('TransformerDecoder', numLayers, layer, TransformerDecoderLayer);
    this.norm = options.norm ?? null;
  }

  /** x [N, T, embedDim] and memory [N, S, embedDim] -> the shape of x. */
  forward(x: Tensor, memory: Tensor): Tensor {
    return this.decode(x, memory);
  }

  /** As `forward`, with masks of every layer's attentions. */
  decode(x: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const result = this.layers.reduce((value, layer) => layer.decode(value, memory, masks), x);
    return normalised('TransformerDecoder', this.norm, result);
  }
}

checkLayer(TransformerDecoder, {
  forward: { x: kinds.tensor, memory: kinds.tensor },
  decode: { x: kinds.tensor, memory: kinds.tensor, options: optional(decoderMasks) },
});

function normalised(op: string, norm: Module | null, x: Tensor): Tensor {
  return norm ? requireTensor(op, 'norm', norm.forward(x)) : x;
}

function stack<L extends Module>(
  op: string,
  count: number,
  layer: (place: number) => L,
  kind: new (...args: never[]) => L,
): L[] {
  const layers = Array.from({ length: count }, (_, place) => layer(place));
  const expected = kinds.instance(kind, `a ${kind.name}`);
  for (const made of layers) requireKind(op, 'the result of layer', expected, made);
  if (new Set(layers).size < count) throw invalid(op, 'layer must make a new layer for each place');
  return layers;
}

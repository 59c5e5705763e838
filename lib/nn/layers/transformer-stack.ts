import { invalid, requireInteger, requireOptions } from '../../graph/errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';
import type { AttentionMasks } from './attention.js';
import { type DecoderMasks, TransformerDecoderLayer, TransformerEncoderLayer } from './transformer.js';

/** Options of `TransformerEncoder` and `TransformerDecoder`. */
export interface TransformerStackOptions {
  /** Applied to the last layer's output. Default: none. */
  readonly norm?: Module;
}

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
  ) {
    super();
    requireOptions('TransformerEncoder', options);
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
    return this.norm ? this.norm.forward(result) : result;
  }
}

/** A stack of decoder layers, as `torch.nn.TransformerDecoder`: `layers.0`, `layers.1`, ... and `norm`. */
export class TransformerDecoder extends Module {
  readonly layers: readonly TransformerDecoderLayer[];
  readonly norm: Module | null;

  /** @param layer makes the layer at each position */
  constructor(
    numLayers: number,
    layer: (place: number) => TransformerDecoderLayer,
    options: TransformerStackOptions = {},
  ) {
    super();
    requireOptions('TransformerDecoder', options);
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
    return this.norm ? this.norm.forward(result) : result;
  }
}

function stack<L extends Module>(
  op: string,
  count: number,
  layer: (place: number) => L,
  kind: new (...args: never[]) => L,
): L[] {
  requireInteger(op, 'numLayers', count, { min: 1 });
  if (typeof layer !== 'function') throw invalid(op, 'layer must be a function that makes a layer', layer);
  const layers = Array.from({ length: count }, (_, place) => layer(place));
  for (const made of layers) {
    if (!(made instanceof kind)) throw invalid(op, `layer must make a ${kind.name}`, made);
  }
  if (new Set(layers).size < count) throw invalid(op, 'layer must make a new layer for each place');
  return layers;
}

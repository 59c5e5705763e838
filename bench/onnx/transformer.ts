import { charGptShape } from '../../lib/bench/scenarios/char-gpt.js';
import type { OnnxGraph, ValueName } from './graph.js';
import type { Weights } from './weights.js';

/** How attention is written: as products and softmax, or as the op that ONNX has for it since version 23. */
export type AttentionForm = 'products' | 'Attention';

export const attentionForms: readonly AttentionForm[] = ['products', 'Attention'];

const { blocks, width, heads, context } = charGptShape;

/** The character-level transformer: a function that adds it to a graph. */
export function gpt(form: AttentionForm) {
  return (graph: OnnxGraph, weights: Weights, tokens: ValueName): ValueName => {
    const layer = new Layers(graph, weights);
    const mask = form === 'products' ? graph.constant(causalMask(), [context, context]) : '';
    let x = graph.node('Gather', [weights.constant('token.weight'), tokens]);
    x = graph.node('Add', [x, weights.constant('position.weight')]);
    for (let i = 0; i < blocks; i++) {
      const path = `blocks.layers.${i}`;
      const attended = layer.attention(`${path}.self_attn`, layer.norm(`${path}.norm1`, x), mask);
      x = graph.node('Add', [x, attended]);
      const inner = layer.dense(`${path}.linear1`, layer.norm(`${path}.norm2`, x));
      x = graph.node('Add', [x, layer.dense(`${path}.linear2`, graph.node('Gelu', [inner]))]);
    }
    return layer.dense('head', layer.norm('blocks.norm', x));
  };
}

class Layers {
  constructor(
    private readonly graph: OnnxGraph,
    private readonly weights: Weights,
  ) {}

  norm(path: string, x: ValueName): ValueName {
    const [scale, shift] = ['weight', 'bias'].map((name) => this.weights.constant(`${path}.${name}`));
    return this.graph.node('LayerNormalization', [x, scale as string, shift as string], {
      axis: 2,
      epsilon: { float: 1e-5 },
    });
  }

  /** A dense layer on the last of three axes. */
  dense(path: string, x: ValueName): ValueName {
    return this.#affine(x, `${path}.weight`, `${path}.bias`);
  }

  /** @param mask added to the scores; none for the op of ONNX, which has its own */
  attention(path: string, x: ValueName, mask: ValueName): ValueName {
    const { graph } = this;
    const joint = this.#affine(x, `${path}.in_proj_weight`, `${path}.in_proj_bias`);
    const parts = graph.nodes('Split', [joint], 3, { axis: 2, num_outputs: 3 });
    const mixed = mask
      ? this.#products(parts, mask)
      : graph.node('Attention', parts, { is_causal: 1, q_num_heads: heads, kv_num_heads: heads });
    return this.dense(`${path}.out_proj`, mixed);
  }

  #affine(x: ValueName, weight: string, bias: string): ValueName {
    const product = this.graph.node('MatMul', [x, this.weights.permuted(weight, [1, 0])]);
    return this.graph.node('Add', [product, this.weights.constant(bias)]);
  }

  #products(parts: readonly ValueName[], mask: ValueName): ValueName {
    const { graph } = this;
    const split = graph.constant([0, 0, heads, width / heads], [4]);
    const turned = ([0, 2, 1, 3] as const).map(Number);
    const [query, key, value] = parts.map((part, i) => {
      const apart = graph.node('Reshape', [part, split]);
      return graph.node('Transpose', [apart], { perm: i === 1 ? [0, 2, 3, 1] : turned });
    }) as [ValueName, ValueName, ValueName];
    const scale = graph.constant(Float32Array.of((width / heads) ** -0.5), []);
    const scores = graph.node('MatMul', [graph.node('Mul', [query, scale]), key]);
    const shares = graph.node('Softmax', [graph.node('Add', [scores, mask])], { axis: 3 });
    const context = graph.node('Transpose', [graph.node('MatMul', [shares, value])], { perm: turned });
    return graph.node('Reshape', [context, graph.constant([0, 0, width], [3])]);
  }
}

/** Minus infinity where a query may not attend to a later key. */
function causalMask(): Float32Array {
  const mask = new Float32Array(context * context);
  for (let query = 0; query < context; query++) {
    mask.fill(Number.NEGATIVE_INFINITY, query * context + query + 1, (query + 1) * context);
  }
  return mask;
}

import { nn, type Tensor } from '../../index.js';
import type { TrainingScenario } from '../scenario.js';

export interface GptShape {
  readonly blocks: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
}

/** Pre-norm blocks of causal self-attention over tokens and their positions, as GPT-2 (Radford et al. 2019). */
class Gpt extends nn.Module {
  readonly token: nn.Embedding;
  readonly position: nn.LearnedEncoding;
  readonly blocks: nn.TransformerEncoder;
  readonly head: nn.Linear;

  constructor({ blocks, width, heads, context, vocabulary }: GptShape) {
    super();
    const block = () =>
      new nn.TransformerEncoderLayer(width, heads, {
        dimFeedforward: 4 * width,
        dropout: 0,
        activation: nn.gelu,
        normFirst: true,
        causal: true,
      });
    this.token = new nn.Embedding(vocabulary, width);
    this.position = new nn.LearnedEncoding(context, width);
    this.blocks = new nn.TransformerEncoder(blocks, block, { norm: new nn.LayerNorm(width) });
    this.head = new nn.Linear(width, vocabulary);
  }

  /** [N, context] tokens -> [N, context, vocabulary] */
  forward(tokens: Tensor): Tensor {
    return this.head.forward(this.blocks.forward(this.position.forward(this.token.forward(tokens))));
  }
}

/** The training step of a model that predicts the next token at every position. */
export function gptStep(name: string, shape: GptShape, batchSize: number): TrainingScenario {
  const { blocks, width, heads, context, vocabulary } = shape;
  const tokens = { dtype: 'int32', shape: [context], below: vocabulary } as const;
  return {
    kind: 'train',
    name,
    title: `${blocks} blocks, width ${width}, ${heads} heads, context ${context}, vocabulary ${vocabulary}`,
    batchSize,
    inputs: tokens,
    targets: tokens,
    loss: nn.crossEntropy,
    optimizer: 'adamW',
    model: () => new Gpt(shape),
  };
}

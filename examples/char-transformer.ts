import { nn, type Tensor } from 'chainrule';
import { type CharTraining, trainOnText } from './lib/char-training.js';
import { runAsProgram } from './lib/program.js';
import { recordedRuns, reportBeside } from './lib/recorded.js';

export interface CharTransformerOptions extends CharTraining {
  readonly width: number;
  readonly heads: number;
  readonly blocks: number;
}

/** Pre-norm blocks of causal self-attention over characters and their positions. */
export class CharTransformer extends nn.Module {
  readonly token: nn.Embedding;
  readonly position: nn.LearnedEncoding;
  readonly blocks: nn.TransformerEncoder;
  readonly head: nn.Linear;

  constructor(characters: number, { context, width, heads, blocks }: CharTransformerOptions) {
    super();
    const block = () =>
      new nn.TransformerEncoderLayer(width, heads, {
        dimFeedforward: 4 * width,
        dropout: 0,
        activation: nn.gelu,
        normFirst: true,
        causal: true,
      });
    this.token = new nn.Embedding(characters, width);
    this.position = new nn.LearnedEncoding(context, width);
    this.blocks = new nn.TransformerEncoder(blocks, block, { norm: new nn.LayerNorm(width) });
    this.head = new nn.Linear(width, characters);
  }

  forward(codes: Tensor): Tensor {
    const places = this.position.forward(this.token.forward(codes));
    return this.head.forward(this.blocks.forward(places));
  }
}

/** Sizes for the report. */
const LARGE: CharTransformerOptions = {
  context: 64,
  batch: 16,
  steps: 300,
  rate: 1e-3,
  width: 128,
  heads: 4,
  blocks: 4,
};

/** Sizes for the 20 steps that the tests compare. */
export const SMALL: CharTransformerOptions = {
  context: 16,
  batch: 4,
  steps: 20,
  rate: 1e-3,
  width: 32,
  heads: 2,
  blocks: 2,
};

/**
 * Trains a transformer (Vaswani et al., "Attention is all you need", 2017; pre-norm and with GELU, as GPT-2, Radford
 * et al. 2019) to predict the next character of Pride and Prejudice. Yields the loss of each step. PyTorch's losses
 * on the same windows from the same weights are in `test/fixtures/papers.json`.
 */
export function trainCharTransformer(
  options: CharTransformerOptions = LARGE,
): AsyncGenerator<number, void, undefined> {
  return trainOnText((characters) => new CharTransformer(characters, options), options);
}

await runAsProgram(import.meta.url, async () => {
  const { torch, transformer } = recordedRuns();
  console.log(`A character-level transformer, 4 blocks of width 128, beside PyTorch ${torch}\n`);
  await reportBeside(trainCharTransformer(), { recorded: transformer.large, every: 50 });
});

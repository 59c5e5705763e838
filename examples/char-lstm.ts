import { nn, type Tensor } from 'chainrule';
import { type CharTraining, trainOnText } from './lib/char-training.js';
import { runAsProgram } from './lib/program.js';
import { recordedRuns, reportBeside } from './lib/recorded.js';

export interface CharLSTMOptions extends CharTraining {
  /** Number of features of a character, and of each layer's state. */
  readonly width: number;
  readonly layers: number;
}

/** A stack of LSTM layers over characters. */
export class CharLSTM extends nn.Module {
  readonly token: nn.Embedding;
  readonly lstm: nn.LSTM;
  readonly head: nn.Linear;

  constructor(characters: number, { width, layers }: CharLSTMOptions) {
    super();
    this.token = new nn.Embedding(characters, width);
    this.lstm = new nn.LSTM(width, width, { numLayers: layers });
    this.head = new nn.Linear(width, characters);
  }

  forward(codes: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(this.token.forward(codes)));
  }
}

/** Sizes for the report. */
const LARGE: CharLSTMOptions = { context: 64, batch: 16, steps: 300, rate: 3e-3, width: 128, layers: 2 };

/** Sizes for the 20 steps that the tests compare. */
export const SMALL: CharLSTMOptions = { context: 16, batch: 4, steps: 20, rate: 3e-3, width: 32, layers: 1 };

/**
 * Trains long short-term memory (Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; with
 * forget gates, Gers et al. 2000) to predict the next character of Pride and Prejudice. Yields the loss of each step.
 * PyTorch's losses on the same windows from the same weights are in `test/fixtures/papers.json`.
 */
export function trainCharLSTM(options: CharLSTMOptions = LARGE): AsyncGenerator<number, void, undefined> {
  return trainOnText((characters) => new CharLSTM(characters, options), options);
}

await runAsProgram(import.meta.url, async () => {
  const { torch, lstm } = recordedRuns();
  console.log(`A character-level LSTM, 2 layers of width 128, beside PyTorch ${torch}\n`);
  await reportBeside(trainCharLSTM(), { recorded: lstm.large, every: 50 });
});

import { compile, grad, nn, optim, type Tensor } from 'chainrule';
import { initialiseByFormula } from './formula.js';
import { readText, windows } from './text.js';

/** Options for training a character model. */
export interface CharTraining {
  /** Number of characters that the model sees before the one to predict. */
  readonly context: number;
  /** Number of windows of the text in one step. */
  readonly batch: number;
  readonly steps: number;
  /** Adam's learning rate. */
  readonly rate: number;
}

/**
 * Trains a model to predict the next character at each position of a text, from the same initial weights as PyTorch,
 * given by a formula. Yields the loss of each step: the mean cross-entropy, in nats.
 *
 * @param create makes the model for a number of characters: int32 [batch, context] to logits [batch, context,
 *   characters]
 */
export async function* trainOnText(
  create: (characters: number) => nn.Module,
  { context, batch, steps, rate }: CharTraining,
): AsyncGenerator<number, void, undefined> {
  const text = readText();
  const model = initialiseByFormula(create(text.alphabet.length));
  const parameters = model.parameters();
  const optimizer = optim.adam({ lr: rate });
  const learn = compile((inputs: Tensor, targets: Tensor) => {
    const logits = model.forward(inputs).flatten(0, 1);
    const loss = nn.crossEntropy(logits, targets.flatten());
    optimizer.step(parameters, grad(loss, parameters));
    return loss;
  });
  try {
    for (let step = 0; step < steps; step++) {
      const { inputs, targets } = windows(text, { step, batch, context });
      yield (await learn(inputs, targets)).item();
    }
  } finally {
    learn.release();
  }
}

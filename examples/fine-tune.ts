import { fileURLToPath } from 'node:url';
import { data, nn, optim, type Tensor, Trainer } from 'chainrule';
import { runAsProgram } from './lib/program.js';

/** The state dict that `examples/data/digits.py` made in PyTorch, of a model that knows the digits 0 to 5. */
const PRETRAINED = fileURLToPath(new URL('../../examples/data/digits-0-5.pt', import.meta.url));

/** Number of features that a head classifies. */
const FEATURES = 64 * 3 * 3;

/** A convolution, batch normalisation, ReLU, and the largest of each four pixels. */
const stage = (inputs: number, outputs: number) => [
  new nn.Conv2d(inputs, outputs, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(outputs),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
];

/** The model of `examples/data/digits.py`, with the same names. */
export class Digits extends nn.Module {
  readonly backbone = new nn.Sequential(
    ...stage(1, 16),
    ...stage(16, 32),
    ...stage(32, 64),
    // The head has its columns in PyTorch's order.
    new nn.Flatten({ order: 'channelsFirst' }),
  );
  head: nn.Linear;

  constructor(classes: number) {
    super();
    this.head = new nn.Linear(FEATURES, classes);
  }

  /** Pixels [N, 28, 28, 1] from 0 to 255 -> [N, classes] */
  forward(pixels: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(pixels.div(255)));
  }
}

/** Samples whose digit lies in a range, and how far it is from the first of them. */
export function digitsOf(samples: data.Dataset, first: number, last: number): data.Dataset {
  const labels = Array.from(samples.targets.data, Number);
  const chosen = labels.flatMap((label, i) => (label >= first && label <= last ? [i] : []));
  const { inputs } = samples.subset(chosen);
  const targets = Int32Array.from(chosen, (i) => (labels[i] as number) - first);
  return data.fromArrays({ data: inputs.data, shape: [chosen.length, ...inputs.shape] }, targets);
}

export interface FineTuneOptions {
  /** Where the model is saved for PyTorch. */
  readonly path: string;
  /** Number of digits to learn from. Default 20. */
  readonly samples?: number;
  readonly log?: (line: string) => void;
}

/** Shares of the test digits that are recognised. */
export interface FineTuned {
  /** Of the digits 0 to 5, by the model as it comes from PyTorch. */
  readonly loaded: number;
  /** Of the digits 6 to 9, once it has a new head. */
  readonly head: number;
  /** Of the same, once all of it was trained. */
  readonly whole: number;
  /** Of the same, by a new model that learned from the same digits. */
  readonly scratch: number;
}

/**
 * Takes a model that learned the digits 0 to 5 in PyTorch, teaches it the digits 6 to 9 from a few samples, and saves it
 * for PyTorch. docs/transfer.md tells it step by step.
 */
export async function fineTune({
  path,
  samples = 20,
  log = console.log,
}: FineTuneOptions): Promise<FineTuned> {
  const { train, test } = await data.mnist();
  const few = digitsOf(train, 6, 9).take(samples);
  const known = digitsOf(test, 0, 5);
  const unknown = digitsOf(test, 6, 9);

  const model = new Digits(6);
  await model.load(PRETRAINED, { layout: 'pytorch' });
  const loaded = await accuracyOf(model, known);
  log(`loaded from PyTorch: ${percent(loaded)} of the digits 0 to 5 are recognised`);

  model.head = new nn.Linear(FEATURES, 4);
  model.backbone.freeze();
  await learn(model, few, optim.adam({ lr: 1e-2 }));
  const head = await accuracyOf(model, unknown);
  log(`a new head, trained on ${samples} digits, the backbone frozen: ${percent(head)} of the digits 6 to 9`);

  model.backbone.unfreeze();
  await learn(model, few, optim.adam({ lr: 1e-3, groups: [{ match: /^backbone\./, lr: 3e-4 }] }));
  const whole = await accuracyOf(model, unknown);
  log(`all of it trained, the backbone at a smaller rate: ${percent(whole)}`);

  const fresh = new Digits(4);
  await learn(fresh, few, optim.adam({ lr: 1e-3 }));
  const scratch = await accuracyOf(fresh, unknown);
  log(`for comparison, a new model from the same ${samples} digits: ${percent(scratch)}`);

  await model.save(path, { layout: 'pytorch' });
  log(`saved for PyTorch: ${path}`);
  return { loaded, head, whole, scratch };
}

async function learn(model: nn.Module, samples: data.Dataset, optimizer: optim.Optimizer): Promise<void> {
  const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer, seed: 1 });
  for await (const _ of trainer.fit(samples, { epochs: 20, batchSize: 10 }));
}

async function accuracyOf(model: nn.Module, samples: data.Dataset): Promise<number> {
  const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer: optim.sgd({ lr: 0 }) });
  const { accuracy = Number.NaN } = await trainer.evaluate(samples, { batchSize: 500 });
  return accuracy;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

await runAsProgram(import.meta.url, async () => {
  await fineTune({ path: process.argv[2] ?? 'digits-6-9.safetensors' });
});

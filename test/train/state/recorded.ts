import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { data, io, nn, type OptimizerStateDict, optim, type Tensor, Trainer } from 'chainrule';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { readFixture } from '../../helpers/fixtures.js';
import { hashIntegers, hashUniform } from '../../helpers/random-graph/random.js';
import { fileBytes, type RecordedValues } from '../../io/recorded-files.js';

// What scripts/fixtures/models_and_arrays/state_dicts.py records of optimisers, and the same in chainrule.

type DType = 'float32' | 'float64';

/** A training that went on from a file. */
interface Resumption {
  /** Base64 of a file of `torch.save` after `STEPS` steps. */
  readonly file: string;
  /** The state dict of the model after as many steps more. */
  readonly after: Readonly<Record<string, RecordedValues>>;
  /** The state of the optimiser then, as `0.exp_avg`. */
  readonly slots: Readonly<Record<string, RecordedValues>>;
}

export const { torch, optimizers: recorded } = readFixture<{
  torch: string;
  optimizers: Readonly<Record<string, Readonly<Record<DType, Resumption>>>>;
}>('models_and_arrays/state_dicts');

export const STEPS = 10;
const BATCH = 4;

export class Classifier extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly norm: nn.BatchNorm2d;
  readonly flatten = new nn.Flatten({ order: 'channelsFirst' });
  readonly fc: nn.Linear;

  constructor(dtype: DType = 'float32') {
    super();
    this.conv = new nn.Conv2d(2, 3, [3, 2], { padding: 1, bias: false, dtype });
    this.norm = new nn.BatchNorm2d(3, { dtype });
    this.fc = new nn.Linear(3 * 4 * 6, 3, { dtype });
  }

  forward(x: Tensor): Tensor {
    const input = x.to(this.fc.weight.dtype);
    return this.fc.forward(this.flatten.forward(this.norm.forward(this.conv.forward(input)).relu()));
  }
}

/** The optimisers of the recordings. */
const optimizers: Readonly<Record<string, () => optim.Optimizer>> = {
  sgd: () => optim.sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'sgd dampening': () => optim.sgd({ lr: 0.05, momentum: 0.9, dampening: 0.5 }),
  adam: () => optim.adam({ lr: 0.01, betas: [0.8, 0.99], weightDecay: 0.02 }),
  'adam amsgrad': () => optim.adam({ lr: 0.01, betas: [0.8, 0.9], amsgrad: true }),
  adamW: () => optim.adamW({ lr: 0.01, eps: 1e-5, weightDecay: 0.3 }),
  'adamW groups': () =>
    optim.adamW({ lr: 0.01, weightDecay: 0.3, groups: [{ match: /^norm\.|bias$/, weightDecay: 0 }] }),
  rmsProp: () => optim.rmsProp({ lr: 0.01, alpha: 0.9, momentum: 0.8, centered: true }),
  'adam frozen': () => optim.adam({ lr: optim.stepLR({ lr: 0.01, stepSize: 7, gamma: 0.5 }) }),
};

export const optimizerOf = (name: string): optim.Optimizer => (optimizers[name] as () => optim.Optimizer)();

export function resumptionOf(name: string, dtype: DType): Resumption {
  return (recorded[name] as Readonly<Record<DType, Resumption>>)[dtype];
}

/** The parameters in PyTorch's order. */
export const parameters = ['conv.weight', 'norm.weight', 'norm.bias', 'fc.weight', 'fc.bias'];

/** The report of a state that fits. */
export const fits = { missing: [], unexpected: [], misshapen: [], hints: [], settings: [] };

/** The samples of the second half of a recorded training. */
export function samples(): data.Dataset {
  const count = 2 * STEPS * BATCH;
  const half = STEPS * BATCH;
  const inputs = Float32Array.from(hashUniform(count * 40, 50, -2, 2)).subarray(half * 40);
  const labels = Int32Array.from(hashIntegers(count, 51, 3)).subarray(half);
  return data.fromArrays(inputs, labels, { inputs: { shape: [4, 5, 2] } });
}

export interface Saved {
  readonly model_state_dict: Readonly<Record<string, FileTensor>>;
  readonly optimizer_state_dict: OptimizerStateDict & {
    readonly state: Map<number, Record<string, FileTensor>>;
    readonly param_groups: Record<string, unknown>[];
  };
}

/** What a recorded file holds. */
export async function readRecorded(folder: string, name: string, dtype: DType = 'float32'): Promise<Saved> {
  const path = join(folder, 'checkpoint.pt');
  await writeFile(path, fileBytes(resumptionOf(name, dtype).file));
  return (await io.readTorch(path)) as Saved;
}

/** A trainer of a model that has the recorded weights. */
export async function trainerOf(
  saved: Saved,
  optimizer: optim.Optimizer,
  { dtype = 'float32', frozen = false }: { dtype?: DType; frozen?: boolean } = {},
): Promise<{ trainer: Trainer; model: Classifier }> {
  const model = new Classifier(dtype);
  await model.loadState(saved.model_state_dict, { layout: 'pytorch' });
  if (frozen) model.norm.freeze({ statistics: 'update' });
  return { trainer: new Trainer(model, { loss: nn.crossEntropy, optimizer, workers: 1, shards: 1 }), model };
}

export const fitOptions = { batchSize: BATCH, shuffle: false };

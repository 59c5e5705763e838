import {
  checkpoint,
  compile,
  data,
  dataParallel,
  grad,
  nn,
  optim,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Wrap } from '../../helpers/checkpointed.js';
import { hashOf } from '../../helpers/runs.js';
import { images, noise } from '../../helpers/training.js';

const wraps: readonly Wrap[] = [(fn) => fn, checkpoint];

/** A classifier of the images of 8 x 8, with batch norm and dropout, in stretches of its own. */
class Stretches extends nn.Module {
  readonly stem = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
  );
  readonly block = new nn.Residual(
    new nn.Sequential(new nn.Conv2d(4, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4), new nn.Dropout(0.2)),
  );
  readonly head = new nn.Sequential(new nn.Flatten(), new nn.Linear(4 * 64, 8), new nn.GELU());
  readonly fc = new nn.Linear(8, 4);
  readonly #stretches: ((x: Tensor) => Tensor)[];

  constructor(wrap: Wrap) {
    super();
    this.#stretches = [this.stem, this.block, this.head].map((part) => wrap((x: Tensor) => part.forward(x)));
  }

  forward(x: Tensor): Tensor {
    return this.fc.forward(this.#stretches.reduce((value, stretch) => stretch(value), x));
  }
}

/** The weights after some steps, and their losses. */
async function loop(wrap: Wrap) {
  const model = new Stretches(wrap).init(3);
  const optimizer = optim.adamW({ lr: 0.01, clipNorm: 1 });
  const parameters = model.parameters();
  const step = compile(
    (x: Tensor, labels: Tensor) => {
      const loss = nn.crossEntropy(model.forward(x), labels);
      optimizer.step(parameters, grad(loss, parameters));
      return loss;
    },
    { seed: 4 },
  );
  const losses: number[] = [];
  for (const { inputs, targets } of data.batches(images(24), { batchSize: 8 })) {
    losses.push(await (await step(tensor(inputs.data, inputs), tensor(targets.data, targets))).item());
  }
  step.release();
  return { losses, hash: hashOf(model) };
}

async function fitted(wrap: Wrap, workers: number) {
  const model = new Stretches(wrap);
  const trainer = new Trainer(model, {
    loss: nn.crossEntropy,
    optimizer: optim.sgd({ lr: 0.05, momentum: 0.9 }),
    workers,
    shards: 4,
    seed: 3,
  });
  const losses: number[] = [];
  for await (const epoch of trainer.fit(images(40), { epochs: 2, batchSize: 16, validation: images(8, 2) })) {
    losses.push(...epoch.stepLosses, epoch.validation?.loss ?? 0);
  }
  return { losses, hash: hashOf(model) };
}

async function shared(wrap: Wrap, workers: number) {
  const model = new Stretches(wrap).init(5);
  const parameters = model.parameters();
  const optimizer = optim.adam({ lr: 0.01 });
  const step = dataParallel(
    (x: Tensor, labels: Tensor) => {
      const loss = nn.crossEntropy(model.forward(x), labels);
      optimizer.step(parameters, grad(loss, parameters));
      return loss;
    },
    { workers, shards: 2, seed: 6 },
  );
  try {
    const losses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const x = tensor(noise(8 * 64, i), { shape: [8, 8, 8, 1] });
      losses.push(await (await step(x, tensor(Int32Array.from({ length: 8 }, (_, k) => k % 4)))).item());
    }
    return { losses, hash: hashOf(model) };
  } finally {
    await step.close();
  }
}

describe('training with checkpoints leaves the bits of training without', () => {
  it('in a loop of its own', async () => {
    const [without, marked] = await Promise.all(wraps.map(loop));
    expect(marked).toEqual(without);
    expect(new Set(without?.losses).size).toBe(3);
  });

  it('in a Trainer, on any number of workers', async () => {
    const expected = await fitted(wraps[0] as Wrap, 1);
    for (const workers of [1, 2]) expect(await fitted(checkpoint, workers)).toEqual(expected);
  });

  it('in a data-parallel function, on any number of workers', async () => {
    const expected = await shared(wraps[0] as Wrap, 1);
    for (const workers of [1, 2]) expect(await shared(checkpoint, workers)).toEqual(expected);
  });
});

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckpointOptions, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Buffer } from '#lib/nn/buffer.js';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { hashOf } from '../helpers/programs/resumable-run.mjs';
import { collect, images, Net } from '../helpers/training.js';

const folder = useFolder();

/** A net with a frozen layer, running statistics, and a buffer that training leaves alone. */
class Everything extends Net {
  norm = new nn.BatchNorm2d(1);
  counts = new Buffer([3], { dtype: 'int32' });
  scale = new nn.Linear(64, 64);

  override forward(x: Parameters<Net['forward']>[0]) {
    const flat = this.scale.forward(x.flatten(1));
    return super.forward(this.norm.forward(flat.reshape([-1, 8, 8, 1])));
  }
}

const plateau = () => optim.reduceOnPlateau({ lr: 0.01, patience: 0, threshold: 0.3, factor: 0.5 });
const optimizers: Record<string, () => optim.Optimizer> = {
  'adam with groups, averages, accumulation, clipping and plateaus': () =>
    optim.adam({
      lr: optim.warmup(plateau(), { steps: 3 }),
      accumulate: 3,
      average: 0.8,
      clipNorm: 0.5,
      groups: [{ match: /bias/, lr: plateau(), weightDecay: 0.1 }],
    }),
  'adafactor, which keeps rows and columns': () => optim.adafactor({ lr: 0.01 }),
  'sgd with momentum': () => optim.sgd({ lr: 0.05, momentum: 0.9, nesterov: true }),
};

const train = images(70);
const validation = images(20, 2);
const STEPS = 5;
const EPOCHS = 4;

function trainerOf(
  optimizer: optim.Optimizer,
  workers = 2,
  seed = 3,
  loss: nn.Loss = nn.crossEntropy,
): Trainer {
  const model = new Everything();
  model.scale.freeze();
  model.counts.storage.data.set([1, -2, 3]);
  return new Trainer(model, { loss, optimizer, workers, shards: 4, seed });
}

const options = (checkpoint?: CheckpointOptions, epochs = EPOCHS) => ({
  epochs,
  batchSize: 16,
  validation,
  ...(checkpoint ? { checkpoint } : {}),
});

/** The results that are the same on every run, with averages and without. */
async function outcomeOf(trainer: Trainer, optimizer: optim.Optimizer) {
  const averages =
    optimizer.stages.average === undefined ? '' : await trainer.withAverages(() => hashOf(trainer.model));
  return {
    hash: hashOf(trainer.model),
    averages,
    steps: trainer.steps,
    history: trainer.history.map(({ epoch, loss, skippedSteps, validation: figures }) => ({
      epoch,
      loss,
      skippedSteps,
      figures,
    })),
    rates: optimizer.groups.map(({ schedule }) => schedule(50)),
  };
}

const runs: [string, () => optim.Optimizer, nn.Loss?][] = [
  ...Object.entries(optimizers).map(([name, make]): [string, () => optim.Optimizer] => [name, make]),
  [
    'weights of classes and labels that do not count, accumulated',
    () => optim.sgd({ lr: 0.05, accumulate: 3, clipNorm: 0.5 }),
    nn.crossEntropy.with({ weight: [1, 10, 0.5, 3], ignoreIndex: 2 }),
  ],
];

/** In the middle of an epoch, at its end before the figures were reported, and at the end of the run. */
const all = [2, STEPS, 7, 14, EPOCHS * STEPS];
const cases = runs.map(([name, makeOptimizer, loss], i) => ({
  ...{ name, makeOptimizer, loss },
  steps: LONG ? all : ([[7, EPOCHS * STEPS], [7], [STEPS], [7]][i] ?? all),
}));

describe.each(cases)('a run with $name', ({ makeOptimizer, loss, steps }) => {
  const made = (optimizer: optim.Optimizer, workers?: number) => trainerOf(optimizer, workers, 3, loss);

  it('goes on from any of its checkpoints to the same bits, figures and rates', async () => {
    const plain = makeOptimizer();
    const reference = made(plain);
    const epochs = await collect(reference.fit(train, options()));
    const expected = await outcomeOf(reference, plain);
    for (const [i, step] of steps.entries()) {
      const [dir, copy] = [folder(), folder()];
      const first = makeOptimizer();
      const saving = made(first, 3);
      await collect(saving.fit(train, options({ dir, everySteps: step, keep: 99 })));
      expect(await outcomeOf(saving, first)).toEqual(expected);
      const name = `step-${String(step).padStart(9, '0')}.safetensors`;
      cpSync(join(dir, name), join(copy, name));

      const optimizer = makeOptimizer();
      const resumed = made(optimizer, 1 + (i % 3));
      for (const variable of [...resumed.model.parameters(), ...buffersOf(resumed)]) {
        variable.storage.data.fill(9);
      }
      const results = await collect(resumed.fit(train, options({ dir: copy })));
      expect(await outcomeOf(resumed, optimizer), name).toEqual(expected);
      // The epoch under way is yielded with all its steps.
      const done = step === EPOCHS * STEPS ? EPOCHS : Math.ceil(step / STEPS) - 1;
      expect(results.map(({ epoch }) => epoch)).toEqual(epochs.slice(done).map(({ epoch }) => epoch));
      expect(results.map(({ stepLosses }) => stepLosses)).toEqual(
        epochs.slice(done).map(({ stepLosses }) => stepLosses),
      );
    }
  });
});

const buffersOf = ({ model }: Trainer) => model.namedBuffers().map(([, buffer]) => buffer);

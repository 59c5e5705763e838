import { data, dataParallel, grad, nn, optim, scan, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { readFixture } from '../helpers/fixtures.js';
import { failure } from '../helpers/graphs.js';
import { LONG, sampled } from '../helpers/long.js';
import { BatchNormCNN, initialiseByFormula, patternSamples, SmallResNet20 } from '../helpers/nn.js';
import { hashOf } from '../helpers/runs.js';
import { collect, images, stepLosses } from '../helpers/training.js';

interface Recording {
  readonly torch: string;
  readonly steps: number;
  readonly batch: number;
  readonly batchNorm: {
    readonly losses: readonly number[];
    readonly means: readonly (readonly number[])[];
    readonly variances: readonly (readonly number[])[];
  };
  readonly resnet20: readonly number[];
}

const { torch, steps, batch, batchNorm, resnet20 } = readFixture<Recording>('training');
const rule = () => optim.sgd({ lr: 0.1, momentum: 0.9 });
const exact = { relative: 1e-9 };

const statisticsOf = ({ norm1, norm2, norm3 }: BatchNormCNN) => {
  const layers = [norm1, norm2, norm3];
  return [
    ...layers.flatMap(({ running_mean }) => [...(running_mean?.storage.data ?? [])]),
    ...layers.flatMap(({ running_var }) => [...(running_var?.storage.data ?? [])]),
  ];
};
const recorded = [...batchNorm.means.flat(), ...batchNorm.variances.flat()];

/** Orders in which neighbouring rows of a batch differ, so that a shard is not like its batch. */
const samples = () => patternSamples(steps * batch);

describe(`batch normalisation over the batch, beside PyTorch ${torch} without shards`, () => {
  const cuts = [
    [1, 1],
    [1, 2],
    [2, 2],
    [3, 1],
    [32, 2],
    [8, 1],
    [8, 3],
    [3, 2],
  ] as const;
  it.each(sampled(cuts, 2))(
    'has its losses and running statistics with %i shards on %i workers',
    async (shards, workers) => {
      const model = initialiseByFormula(new BatchNormCNN());
      const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer: rule(), shards, workers });
      const epochs = await collect(trainer.fit(samples(), { batchSize: batch, shuffle: false }));
      expectClose('losses', stepLosses(epochs), batchNorm.losses as number[], exact);
      expectClose('statistics', statisticsOf(model), recorded, exact);
    },
  );

  it.each(LONG ? [1, 2, 8] : [2])('has the losses of ResNet-20 by default on %i workers', async (workers) => {
    const model = initialiseByFormula(new SmallResNet20());
    const optimizer = optim.sgd({ lr: 0.05, momentum: 0.9 });
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer, workers, log });
    const epochs = await collect(trainer.fit(samples(), { batchSize: batch, shuffle: false }));
    expectClose('losses', stepLosses(epochs), resnet20 as number[], exact);
    expect(lines[0]).toContain(', 16 shards, as asked for');
  });

  it('has them in a data-parallel function', async () => {
    const model = initialiseByFormula(new BatchNormCNN());
    const optimizer = rule();
    const parameters = model.parameters();
    const step = dataParallel(
      (x: Tensor, y: Tensor) => {
        const loss = nn.crossEntropy(model.forward(x), y);
        optimizer.step(parameters, grad(loss, parameters));
        return loss;
      },
      { workers: 2, shards: 3 },
    );
    const found: number[] = [];
    for (const { inputs, targets } of data.batches(samples(), { batchSize: batch })) {
      const loss = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
      found.push(await loss.item());
    }
    await step.close();
    expectClose('losses', found, batchNorm.losses as number[], exact);
    expectClose('statistics', statisticsOf(model), recorded, exact);
  });

  /** The losses of steps on the mean and on a penalty of the gradients of the outputs, in equal shards. */
  async function penalised(shards: number, change = (gradient: Tensor) => gradient, rows = 24) {
    const model = initialiseByFormula(new BatchNormCNN());
    const optimizer = optim.sgd({ lr: 0.05 });
    const parameters = model.parameters();
    const step = dataParallel(
      (x: Tensor, y: Tensor) => {
        const wide = x.to('float64');
        const output = model.forward(wide);
        const [slope] = grad(output.square().sum(), [wide]) as [Tensor];
        const loss = nn.crossEntropy(output, y).add(slope.square().mean().mul(50));
        optimizer.step(parameters, grad(loss, parameters).map(change));
        return loss;
      },
      { workers: 2, shards },
    );
    const found: number[] = [];
    try {
      for (const { inputs, targets } of data.batches(patternSamples(3 * rows), { batchSize: rows })) {
        const loss = await step(tensor(inputs.data, inputs), tensor(targets.data, targets));
        found.push(await loss.item());
      }
    } finally {
      await step.close();
    }
    return found;
  }

  it('has second gradients, which are those of whole batches', async () => {
    expectClose('losses', await penalised(4), await penalised(1), exact);
    const halved = (gradient: Tensor) => gradient.mul(0.5);
    expectClose('losses', await penalised(4, halved), await penalised(1, halved), exact);
  });

  it('refuses changed gradients of unequal shards, whose weights come too late', async () => {
    const { message } = await failure(penalised(5, (gradient) => gradient.mul(0.5)));
    expect(message).toContain('gradients must reach the optimiser as grad returns them');
  });

  it('has others with the statistics of shards', async () => {
    const model = initialiseByFormula(new BatchNormCNN('shard'));
    const trainer = new Trainer(model, { loss: nn.crossEntropy, optimizer: rule(), shards: 8, workers: 1 });
    const epochs = await collect(trainer.fit(samples(), { batchSize: batch, shuffle: false }));
    const [first] = stepLosses(epochs);
    expect(Math.abs((first as number) - (batchNorm.losses[0] as number))).toBeGreaterThan(1e-4);
  });
});

class Small extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1, bias: false });
  norm = new nn.BatchNorm2d(4);
  fc = new nn.Linear(4 * 8 * 8, 4);
  tail = new nn.BatchNorm1d(4);

  forward(x: Tensor): Tensor {
    return this.tail.forward(this.fc.forward(this.norm.forward(this.conv.forward(x)).relu().flatten(1)));
  }
}

const deep = () =>
  new nn.Sequential(
    ...[1, 8, 8, 8, 8, 8].flatMap((channels) => [
      new nn.Conv2d(channels, 8, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(8),
      new nn.Tanh(),
    ]),
    new nn.Flatten(),
    new nn.Linear(8 * 64, 4),
  );

const trainerOf = (shards: number, workers: number, memory?: number) =>
  new Trainer(new Small(), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.01 }),
    shards,
    workers,
    seed: 5,
    ...(memory ? { memory } : {}),
  });

describe('batch normalisation over the batch', () => {
  it.each([
    ['equal', 24],
    ['unequal', 22],
    ['fewer rows than shards', 5],
    ['two rows', 2],
  ])('has the same bits on any number of workers: %s shards, %i rows', async (_, batchSize) => {
    const hashes = new Set<string>();
    for (const workers of LONG ? [1, 2, 3, 5] : [1, 3]) {
      const trainer = trainerOf(8, workers);
      await collect(trainer.fit(images(2 * batchSize + 2), { batchSize }));
      hashes.add(hashOf(trainer.model));
    }
    expect(hashes.size).toBe(1);
  });

  it.each([2, 6])('takes the steps of whole batches of %i rows on 8 shards', async (batchSize) => {
    const lossesOf = async (shards: number) =>
      stepLosses(await collect(trainerOf(shards, 2).fit(images(8 * batchSize), { batchSize })));
    // Few rows make rounding errors grow from step to step.
    const few = async (shards: number) => (await lossesOf(shards)).slice(0, 5);
    expectClose('losses', await few(8), await few(1), { relative: 1e-3 });
  });

  it('refuses a last batch of one value per channel before the first step', async () => {
    const trainer = trainerOf(4, 2);
    const error = await failure(collect(trainer.fit(images(9), { batchSize: 8 })));
    expect(error.message).toContain('BatchNorm1d: needs more than one value per channel');
    expect(error.message).toContain('the last batch of 1 sample is too small');
    expect(trainer.steps).toBe(0);
  });

  it('refuses the last sample of a stream of unknown length, though there is a plan for shards of one row', async () => {
    const trainer = trainerOf(8, 2);
    const { inputs, targets } = images(41);
    const items = Array.from({ length: 41 }, (_, i) => ({
      inputs: inputs.data.subarray(64 * i, 64 * i + 64),
      target: targets.data[i] as number,
    }));
    const source = data.stream(() => items, { inputs: { shape: [8, 8, 1] }, queue: 4 });
    const error = await failure(collect(trainer.fit(source, { batchSize: 8 })));
    expect(error.message).toContain('the last batch of 1 sample is too small');
    expect(trainer.steps).toBe(4);
  });

  it('is of one step where several are accumulated', async () => {
    const lossesOf = async (shards: number) => {
      const optimizer = optim.sgd({ lr: 0.1, accumulate: 2 });
      const trainer = new Trainer(initialiseByFormula(new BatchNormCNN()), {
        loss: nn.crossEntropy,
        optimizer,
        shards,
        workers: 2,
      });
      return stepLosses(await collect(trainer.fit(patternSamples(90), { batchSize: 20, shuffle: false })));
    };
    expectClose('losses', await lossesOf(3), await lossesOf(1), exact);
  });

  it('is timed by a profile, with what the shards wait', async () => {
    const { steps: found } = await trainerOf(4, 2).profile(images(32), { batchSize: 16, steps: 2 });
    expect(found).toBe(2);
  });

  it('goes on when a worker fails in the middle of a step', async () => {
    const trainer = trainerOf(2, 2);
    const bad = images(8);
    bad.targets.data[5] = 99;
    const error = await failure(
      collect(
        new Trainer(trainer.model, {
          loss: (output, labels) => nn.crossEntropy(output, labels),
          optimizer: optim.sgd({ lr: 0.1 }),
          shards: 2,
          workers: 2,
        }).fit(bad, { batchSize: 8 }),
      ),
    );
    expect(error.message).toContain('99');
    await collect(trainer.fit(images(8), { batchSize: 8 }));
    expect(trainer.steps).toBe(1);
  });

  it('keeps to a memory budget, in which it has the same bits', async () => {
    const batch = images(1024);
    const options = { batchSize: 1024 };
    const deepOn = (memory?: number) =>
      new Trainer(deep(), {
        loss: nn.crossEntropy,
        optimizer: optim.sgd({ lr: 0.01 }),
        shards: 4,
        workers: 2,
        seed: 2,
        ...(memory ? { memory } : {}),
      });
    const free = deepOn();
    const { peak } = free.plan(batch, options);
    await collect(free.fit(batch, options));
    const tight = deepOn(Math.floor(0.8 * peak));
    const { flops, recomputedFlops } = tight.plan(batch, options);
    expect(recomputedFlops).toBeGreaterThan(0.01 * flops);
    await collect(tight.fit(batch, options));
    expect(hashOf(tight.model)).toBe(hashOf(free.model));
  });

  it('is refused in the step of a loop, whose shards could not wait for each other', async () => {
    class Looping extends nn.Module {
      norm: nn.BatchNorm1d;
      fc = new nn.Linear(8, 4);

      constructor(statistics: 'batch' | 'shard') {
        super();
        this.norm = new nn.BatchNorm1d(8, { statistics, trackRunningStats: false });
      }

      forward(x: Tensor): Tensor {
        const rows = x.reshape([-1, 8, 8]).permute([1, 0, 2]);
        const { outputs } = scan((_, [row]) => ({ carry: [], outputs: [this.norm.forward(row as Tensor)] }), {
          inputs: [rows],
        });
        return this.fc.forward((outputs[0] as Tensor).mean(0));
      }
    }
    const train = (statistics: 'batch' | 'shard', shards: number) =>
      collect(
        new Trainer(new Looping(statistics), {
          loss: nn.crossEntropy,
          optimizer: optim.sgd({ lr: 0.1 }),
          shards,
          workers: 1,
        }).fit(images(8), { batchSize: 8 }),
      );
    const { message } = await failure(train('batch', 2));
    expect(message).toContain("batch normalisation in it needs the option statistics: 'shard'");
    await train('shard', 2);
    await train('batch', 1);
  });
});

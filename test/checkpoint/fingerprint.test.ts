import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { customGradient, data, type FitOptions, io, nn, optim, type Tensor, Trainer } from 'chainrule';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { writeCheckpoint } from '#lib/checkpoint/file.js';
import type { DType } from '#lib/graph/dtype.js';
import { useFolder } from '../helpers/folder.js';
import { sampled } from '../helpers/long.js';
import { hashOf } from '../helpers/programs/resumable-run.mjs';
import { collect, type Dataset, noise } from '../helpers/training.js';

const folder = useFolder();
const inputs = noise(360, 1);
const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
const samples = (x = inputs, y = labels) => data.fromArrays(x, y, { inputs: { shape: [6] } });
const changed = <A extends Float32Array | Int32Array>(array: A, at: number, value: number): A => {
  const copy = array.slice() as A;
  copy[at] = value;
  return copy;
};

const mlp = (p = 0.25, activation: nn.Module = new nn.Tanh()) =>
  new nn.Sequential(new nn.Linear(6, 16), activation, new nn.Dropout(p), new nn.Linear(16, 3));

interface Run extends Omit<FitOptions, 'checkpoint'> {
  readonly model?: nn.Module;
  readonly loss?: nn.Loss;
  readonly optimizer?: optim.Optimizer;
  readonly seed?: number;
  readonly train?: Dataset | data.StreamDataset;
  readonly allow?: readonly string[];
  readonly workers?: number;
}

async function run(dir: string, epochs: number, { model = mlp(), ...given }: Run = {}): Promise<Trainer> {
  const {
    loss = nn.crossEntropy,
    optimizer = optim.adam(),
    seed = 1,
    workers = 1,
    allow = [],
    ...rest
  } = given;
  const { train = samples(), ...options } = rest;
  const trainer = new Trainer(model, { loss, optimizer, seed, shards: 2, workers });
  const checkpoint = { dir, allow };
  await collect(trainer.fit(train, { batchSize: 20, ...options, epochs, checkpoint }));
  return trainer;
}

/** The run that most others are compared with. */
const usual: Run = {};
const kept = mkdtempSync(join(tmpdir(), 'usual-run-'));
afterAll(() => rmSync(kept, { recursive: true }));
let usualRun: Promise<Trainer> | undefined;

/** A directory with the checkpoint of a run of one epoch. */
async function savedBy(first: Run): Promise<string> {
  const dir = folder();
  if (first === usual) {
    usualRun ??= run(kept, 1);
    await usualRun;
    cpSync(kept, dir, { recursive: true });
  } else await run(dir, 1, first);
  return dir;
}

/** The differences that are named where a run goes on as another one; '' if it goes on. */
async function differences(first: () => Run, second: () => Run): Promise<string> {
  const dir = await savedBy(first());
  try {
    await run(dir, 2, second());
    return '';
  } catch (error) {
    return (
      /is of another run: (.*?)(\. What you mean|$)/.exec((error as Error).message)?.[1] ?? String(error)
    );
  }
}

const adam = (options: optim.AdamOptions) => ({ optimizer: optim.adam(options) });
const sgd = (lr: number | optim.Schedule) => ({ optimizer: optim.sgd({ lr }) });
const plateau = (patience: number) => optim.reduceOnPlateau({ lr: 0.1, patience });
const frozen = () => {
  const model = mlp();
  model.namedChildren()[0]?.[1].freeze();
  return model;
};
/** As with `nn.crossEntropy`, but a function of the caller's own. */
const scaled = (factor: number) => ({
  loss: (output: Tensor, target: Tensor) => nn.crossEntropy(output, target).mul(factor),
});
const normalised = (statistics: 'batch' | 'shard') =>
  new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm1d(8, { statistics }), new nn.Linear(8, 3));
const noisy = (std: number) => ({ train: samples().transform([data.noise({ std })]) });

describe('a run that goes on as another one', () => {
  const changes: readonly [string, Run, Run, string][] = [
    [
      'betas',
      usual,
      adam({ betas: [0.8, 0.99] }),
      'optimizer.betas: 0.9, 0.999 in the checkpoint, 0.8, 0.99 given',
    ],
    ['clipping', usual, adam({ clipNorm: 1 }), 'optimizer.clipNorm: none in the checkpoint, 1 given'],
    ['decay', usual, adam({ weightDecay: 0.1 }), 'optimizer.weightDecay: 0 in the checkpoint, 0.1 given'],
    [
      'settings of several kinds',
      usual,
      { ...adam({ eps: 1e-6, lr: 0.1 }), seed: 3, nonFinite: 'skip' },
      'seed: 1 in the checkpoint, 3 given; nonFinite: stop in the checkpoint, skip given; ' +
        'optimizer.eps: 1e-8 in the checkpoint, 0.000001 given; optimizer.lr: 0.001 in the checkpoint, 0.1 given',
    ],
    [
      'group',
      adam({ groups: [{ match: /bias/, lr: 0.1 }] }),
      adam({ groups: [{ match: /weight/, lr: 0.1, eps: 1 }] }),
      'optimizer.groups[0].eps: 1e-8 in the checkpoint, 1 given; ' +
        'optimizer.groups[0].parameters: 0.bias, 3.bias in the checkpoint, 0.weight, 3.weight given',
    ],
    [
      'statistics of the batch or of the shard',
      { model: normalised('shard') },
      { model: normalised('batch') },
      'model.1: BatchNorm1d(numFeatures: 8, statistics: shard) in the checkpoint, BatchNorm1d(numFeatures: 8, statistics: batch) given',
    ],
    [
      'schedule',
      sgd(optim.cosineLR({ lr: 0.1, steps: 100 })),
      sgd(optim.cosineLR({ lr: 0.1, steps: 200 })),
      'optimizer.lr.steps: 100 in the checkpoint, 200 given',
    ],
    [
      'kind of schedule',
      sgd(0.1),
      sgd(optim.stepLR({ lr: 0.1, stepSize: 9 })),
      'optimizer.lr: 0.1 in the checkpoint, stepLR given',
    ],
    [
      'schedule in a schedule',
      sgd(optim.warmup(plateau(10), { steps: 2 })),
      sgd(optim.warmup(plateau(3), { steps: 4 })),
      'optimizer.lr.schedule.patience: 10 in the checkpoint, 3 given; optimizer.lr.steps: 2 in the checkpoint, 4 given',
    ],
    [
      'function of the step',
      sgd((step) => 0.5 ** step),
      sgd((step) => (step < 4 ? 0.5 ** step : 0)),
      'optimizer.lr: 0.0625 at step 4 in the checkpoint, 0 given',
    ],
    [
      'loss',
      { loss: nn.crossEntropy.with({ weight: [1, 2, 3] }) },
      { loss: nn.crossEntropy.with({ weight: [1, 2, 4] }) },
      'loss: crossEntropy(weight: [1, 2, 3]) in the checkpoint, crossEntropy(weight: [1, 2, 4]) given',
    ],
    [
      'loss of the caller',
      scaled(2),
      scaled(3),
      'loss: the function loss, with other operations in the checkpoint',
    ],
    [
      'dropout',
      usual,
      { model: mlp(0.5) },
      'model.2: Dropout(p: 0.25) in the checkpoint, Dropout(p: 0.5) given',
    ],
    ['activation', usual, { model: mlp(0.25, new nn.ReLU()) }, 'model.1: Tanh in the checkpoint, ReLU given'],
    [
      'label',
      usual,
      { train: samples(inputs, changed(labels, 3, 2)) },
      'data.targets: int32[], with other values in the checkpoint',
    ],
    [
      'input',
      usual,
      { train: samples(changed(inputs, 7, 9)) },
      'data.inputs: float32[6], with other values in the checkpoint',
    ],
    ['transform', usual, noisy(0.1), 'data.transforms: none in the checkpoint, noise(std: 0.1) given'],
    [
      'setting of a transform',
      noisy(0.2),
      noisy(0.1),
      'data.transforms: noise(std: 0.2) in the checkpoint, noise(std: 0.1) given',
    ],
  ];

  it.each(sampled(changes, 2))('is refused with its %s', async (_, first, second, expected) => {
    expect(
      await differences(
        () => first,
        () => second,
      ),
    ).toBe(expected);
  });

  it('is refused with other frozen parts, and other tensors of the optimiser', async () => {
    const found = await differences(
      () => usual,
      () => ({ model: frozen() }),
    );
    expect(found).toMatch(
      /^frozen: none in the checkpoint, 0.weight, 0.bias given; inference: none in the .*, 0 given; among/,
    );
  });

  it('is refused with another gradient of the same values', async () => {
    const passes = (factor: number) =>
      customGradient(
        (x: Tensor) => x.tanh(),
        (gradient) => gradient.mul(factor),
      );
    const made = (factor: number) => ({ model: mlp(0.25, new nn.Lambda(passes(factor))) });
    expect(
      await differences(
        () => made(1),
        () => made(2),
      ),
    ).toBe('graph: the training step, with other operations in the checkpoint');
  });

  it('is refused with an optimiser of its own whose update is another one', async () => {
    const rule = (factor: number): optim.UpdateRule => ({
      name: 'mine',
      state: [],
      scalars: (_, lr) => [lr],
      update: (parameter, gradient, _, [rate]) => ({
        parameter: parameter.sub(gradient.mul(rate as Tensor).mul(factor)),
        state: [],
      }),
    });
    const made = (factor: number) => ({ optimizer: new optim.Optimizer(rule(factor), () => 0.1) });
    expect(
      await differences(
        () => made(1),
        () => made(2),
      ),
    ).toBe('optimizer.update: the update of mine, with other operations in the checkpoint');
    expect(
      await differences(
        () => made(1),
        () => made(1),
      ),
    ).toBe('');
  });

  it('is refused with a module of a transform whose source or options are others', async () => {
    const dir = folder();
    mkdirSync(dir, { recursive: true });
    const file = join(dir, 'scale.mjs');
    const made = (by: number) => ({ train: samples().transform([data.custom(file, { options: { by } })]) });
    const source = (power: string) =>
      writeFileSync(file, `export default ({ inputs }, { by }) => inputs.map((x) => (by * x)${power});`);
    source('');
    expect(
      await differences(
        () => made(1),
        () => made(2),
      ),
    ).toMatch(/by: 1.* in the checkpoint, scale.mjs.*by: 2/);
    const found = await differences(
      () => made(1),
      () => {
        source(' ** 2');
        return made(1);
      },
    );
    expect(found).toContain('data.transforms: ');
  });

  it('is refused with other validation data only where a schedule follows them', async () => {
    const validation = (at: number) => ({ validation: samples(changed(inputs, 7, at)) });
    const of = (optimizer: () => Run) =>
      differences(
        () => ({ ...optimizer(), ...validation(1) }),
        () => ({ ...optimizer(), ...validation(2) }),
      );
    expect(await of(() => ({}))).toBe('');
    expect(await of(() => sgd(optim.warmup(optim.cosineLR({ lr: 1, steps: 9 }), { steps: 2 })))).toBe('');
    expect(await of(() => sgd(optim.warmup(plateau(3), { steps: 2 })))).toBe(
      'validation.inputs: float32[6], with other values in the checkpoint',
    );
  });

  it('goes on where nothing decides the bits', async () => {
    expect(
      await differences(
        () => sgd(0.1),
        () => ({ ...sgd(optim.constantLR(0.1)), workers: 2, restartWorkers: 1 }),
      ),
    ).toBe('');
  });

  it('of a stream is refused with items of another form', async () => {
    const stream = (shape: number[]) => ({
      train: data.stream(
        function* () {
          for (let i = 0; i < 60; i++)
            yield { inputs: inputs.subarray(6 * i, 6 * i + 6), target: labels[i] as number };
        },
        { inputs: { shape } },
      ),
    });
    expect(
      await differences(
        () => stream([6]),
        () => stream([6]),
      ),
    ).toBe('');
    expect(
      await differences(
        () => stream([6]),
        () => ({}),
      ),
    ).toContain('data.length: a stream in the checkpoint, 60 given');
  });
});

describe('a run that may change', () => {
  it('goes on with what it is allowed to change, and keeps that from then on', async () => {
    const dir = folder();
    await run(dir, 1);
    const other = adam({ betas: [0.8, 0.99], lr: 0.1 });
    await expect(run(dir, 2, { ...other, allow: ['optimizer.lr'] })).rejects.toThrow(
      /run: optimizer.betas: [^;]*$/,
    );
    await run(dir, 2, { ...adam({ betas: [0.8, 0.99], lr: 0.1 }), allow: ['optimizer'] });
    await expect(run(dir, 3)).rejects.toThrow(
      'optimizer.betas: 0.8, 0.99 in the checkpoint, 0.9, 0.999 given',
    );
    await run(dir, 3, adam({ betas: [0.8, 0.99], lr: 0.1 }));
  });

  it('goes on with batches of another size, within whose epochs it can be resumed', async () => {
    const dir = folder();
    await run(dir, 1);
    const options = { batchSize: 15, allow: ['batchSize'] };
    const stopped = async () => {
      const abort = new AbortController();
      const onProgress: FitOptions['onProgress'] = ({ epoch }) => {
        if (epoch > 2) abort.abort(new Error('enough'));
      };
      await run(dir, 1000, { ...options, signal: abort.signal, onProgress });
    };
    await expect(stopped()).rejects.toThrow('enough');
    const again = await run(dir, 1000, { batchSize: 15 });
    expect(again.steps).toBe(3 + 999 * 4);
  });

  it('may not allow what nothing is called, also before there is a checkpoint', async () => {
    await expect(run(folder(), 1, { allow: ['optimizer.learning_rat'] })).rejects.toThrow(
      'fit: checkpoint.allow: nothing is called optimizer.learning_rat; ',
    );
    await expect(run(folder(), 1, { allow: ['optimiser'] })).rejects.toThrow('did you mean optimizer?');
  });
});

it('a checkpoint of the first format is compared by its few settings, with a warning', async () => {
  const dir = folder();
  const whole = await run(folder(), 2);
  await run(dir, 1);
  const name = join(dir, 'step-000000003.safetensors');
  const { tensors, metadata } = await io.readSafetensors(name);
  const { progress } = JSON.parse(metadata.state as string);
  const { epochSteps: _, updates: __, ...older } = progress;
  const settings = {
    optimizer: 'adam',
    accumulate: 1,
    seed: 1,
    shards: 2,
    batchSize: 20,
    shuffle: true,
    length: 60,
  };
  const sources = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const buffer = new SharedArrayBuffer(data.byteLength);
    new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { name, dtype: dtype as DType, shape, buffer, byteOffset: 0 };
  });
  const write = () =>
    writeCheckpoint(
      name,
      sources,
      JSON.stringify({ format: 1, chainrule: '0.1.0', settings, progress: older }),
    );
  await write();
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await expect(run(dir, 2, { seed: 2 })).rejects.toThrow(/run: seed: 1 in the checkpoint, 2 given\./);
  expect(hashOf((await run(dir, 2)).model)).toBe(hashOf(whole.model));
  const [warning] = warn.mock.calls[0] ?? [];
  warn.mockRestore();
  expect(warning).toContain(`${name} is of version 0.1.0, which noted few settings; others are not compared`);
});

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { data, io, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeJson } from '#lib/checkpoint/json.js';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { useFolder } from '../../helpers/folder.js';
import { Gate } from '../../helpers/gate.js';
import { hashOf, normalised } from '../../helpers/runs.js';
import { collect, noise, points } from '../../helpers/training.js';
import { fits } from './recorded.js';

const folder = useFolder();
const samples = points(28);
const options = { batchSize: 4 };

const trainerOf = (optimizer: optim.Optimizer, model: nn.Module = normalised()) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer, workers: 1, shards: 2, seed: 2 });

const plateau = { lr: 0.1, patience: 0, threshold: 1, factor: 0.5 };
const optimizers: Readonly<Record<string, () => optim.Optimizer>> = {
  'sgd with momentum': () => optim.sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'sgd with dampening': () => optim.sgd({ lr: 0.05, momentum: 0.9, dampening: 0.4 }),
  adam: () => optim.adam({ lr: 0.01, clipNorm: 0.5 }),
  adamW: () => optim.adamW({ lr: 0.01, amsgrad: true, betas: [0.5, 0.6] }),
  rmsProp: () => optim.rmsProp({ lr: 0.01, momentum: 0.8, centered: true }),
  nAdam: () => optim.nAdam({ lr: 0.01 }),
  adafactor: () => optim.adafactor(),
  'adam with averages': () => optim.adam({ lr: 0.01, average: 0.9 }),
  // 7 steps are 2 updates and a step more.
  'adam with accumulation': () => optim.adam({ lr: 0.01, accumulate: 3, average: 0.9 }),
  groups: () => optim.adamW({ lr: 0.01, groups: [{ match: /bias$/, weightDecay: 0, lr: 0.02 }] }),
  cosineLR: () => optim.sgd({ lr: optim.cosineLR({ lr: 0.1, steps: 14 }), momentum: 0.9 }),
  reduceOnPlateau: () => optim.sgd({ lr: optim.reduceOnPlateau(plateau), momentum: 0.9 }),
};

type State = Readonly<Record<string, FileTensor>>;

/** The progress in a state, without what depends on the clock. */
function progressOf(state: State) {
  const text = new TextDecoder().decode(state['training/progress']?.data as Uint8Array);
  const { history, ...rest } = decodeJson(text) as Record<string, unknown> & {
    steps: number;
    history: Record<string, unknown>[];
  };
  return {
    ...rest,
    history: history.map(({ seconds: _, examplesPerSecond: __, ...figures }) => figures),
  };
}

function tensorsOf({ 'training/progress': _, ...tensors }: State): State {
  return tensors;
}

/** All that a trainer has come to. */
async function outcomeOf(trainer: Trainer) {
  const state = await trainer.state();
  const hash = createHash('sha256');
  for (const [name, { data: values }] of Object.entries(tensorsOf(state)))
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { model: hashOf(trainer.model), progress: progressOf(state), tensors: hash.digest('hex') };
}

/** A trainer that has what another one has. */
async function copyOf(trainer: Trainer, optimizer: optim.Optimizer): Promise<Trainer> {
  const other = trainerOf(optimizer, normalised().init(9));
  await other.model.loadState(await trainer.model.state());
  await other.loadState(await trainer.state());
  return other;
}

/** Trains both on, and checks that they come to the same. */
async function expectSame(trainer: Trainer, other: Trainer): Promise<void> {
  await Promise.all([trainer, other].map((one) => collect(one.fit(samples, options))));
  expect(await outcomeOf(other)).toEqual(await outcomeOf(trainer));
}

describe('the state of a trainer', () => {
  it.each(Object.entries(optimizers))('lets a new one go on with the same bits: %s', async (_, optimizer) => {
    const trainer = trainerOf(optimizer());
    const path = join(folder(), 'run.safetensors');
    for await (const { epoch } of trainer.fit(samples, { ...options, epochs: 2 })) {
      if (epoch > 1) continue;
      await io.writeSafetensors(path, { ...(await trainer.model.state()), ...(await trainer.state()) });
    }
    const other = trainerOf(optimizer(), normalised().init(9));
    await other.model.load(path);
    expect(await other.loadState((await io.readSafetensors(path)).tensors)).toEqual(fits);
    expect(other.steps).toBe(7);
    await collect(other.fit(samples, options));
    expect(await outcomeOf(other)).toEqual(await outcomeOf(trainer));
    expect(other.history.length).toBe(2);
  });

  it('tells of updates that were not made', async () => {
    const spoilt = noise(28 * 6, 1);
    for (const row of [0, 9, 25]) spoilt[row * 6] = Number.NaN;
    const bad = data.fromArrays(spoilt, new Int32Array(28), { inputs: { shape: [6] } });
    const trainer = trainerOf(optim.adam({ lr: 0.01 }));
    await collect(trainer.fit(bad, { ...options, shuffle: false, nonFinite: 'skip' }));
    expect(trainer.history[0]?.skippedSteps).toBe(3);
    await expectSame(trainer, await copyOf(trainer, optim.adam({ lr: 0.01 })));
  });

  it('is called as in checkpoints, with the progress', async () => {
    const trainer = trainerOf(optim.adam({ average: 0.9, accumulate: 2 }), new nn.Linear(6, 3));
    const state = await trainer.state();
    expect(Object.keys(state)).toEqual([
      'training/optimizer/mean/weight',
      'training/optimizer/square/weight',
      'training/average/weight',
      'training/sum/weight',
      'training/optimizer/mean/bias',
      'training/optimizer/square/bias',
      'training/average/bias',
      'training/sum/bias',
      'training/accumulated',
      'training/progress',
    ]);
    // Averages begin with the parameters.
    const [weight] = trainer.model.parameters();
    expect(state['training/average/weight']?.data).toEqual(weight?.storage.data.slice());
    expect(progressOf(state)).toMatchObject({ steps: 0, epochs: 0, optimizer: { optimizer: 'adam' } });
  });

  it('is a copy', async () => {
    const trainer = trainerOf(optim.sgd({ lr: 0.1, momentum: 0.9 }));
    const before = await trainer.state();
    const copy = structuredClone({ ...before });
    await collect(trainer.fit(samples, options));
    expect({ ...before }).toEqual(copy);
    expect(await trainer.state()).not.toEqual(before);
  });

  it('has the averages, whoever holds them', async () => {
    const trainer = trainerOf(optim.sgd({ lr: 0.1, average: 0.9 }));
    await collect(trainer.fit(samples, options));
    const own = await trainer.state();
    expect(await trainer.withAverages(() => trainer.state())).toEqual(own);
    await trainer.withAverages(async () => {
      await expect(trainer.loadState(own)).rejects.toThrow(/^loadState: the parameters hold their averages/);
    });
  });

  it('is loaded only when no call is under way', async () => {
    const trainer = trainerOf(optim.adam());
    const state = await trainer.state();
    for await (const _ of trainer.fit(samples, options))
      await expect(trainer.loadState(state)).rejects.toThrow(
        /^loadState: the trainer is busy; wait for the call/,
      );
    await trainer.loadState(state);
    expect(trainer.steps).toBe(0);
    expect(trainer.history).toEqual([]);
  });

  it('lets averages of parameters that are unfrozen later begin then', async () => {
    const optimizer = () => optim.adam({ lr: 0.01, average: 0.9 });
    const freeze = ({ model }: Trainer) => {
      model.freeze({ statistics: 'update' });
      model.namedChildren()[0]?.[1].unfreeze();
    };
    const [trainer, other] = [trainerOf(optimizer()), trainerOf(optimizer())];
    freeze(trainer);
    freeze(other);
    await collect(trainer.fit(samples, options));
    await other.model.loadState(await trainer.model.state());
    await other.loadState(await trainer.state());
    for (const { model } of [trainer, other]) model.unfreeze();
    await expectSame(trainer, other);
  });

  it('has that of extra modules', async () => {
    class Scale extends nn.Module {
      readonly scale = new nn.Parameter([1], { init: nn.init.ones });
      forward(x: Tensor): Tensor {
        return x.mul(this.scale);
      }
    }
    const extra = new Scale();
    const trainer = new Trainer(normalised(), {
      loss: (output: Tensor, labels: Tensor) => nn.crossEntropy(extra.forward(output), labels),
      optimizer: optim.adam({ lr: 0.01 }),
      extraModules: [extra],
    });
    const state = await trainer.state();
    expect(state['training/optimizer/mean/extraModules.0.scale']?.shape).toEqual([1]);
    expect(await trainer.loadState(state)).toEqual(fits);
    const { param_groups: groups } = await trainer.state({ layout: 'pytorch' });
    expect(groups[0]?.param_names.at(-1)).toBe('extraModules.0.scale');
  });
});

/** What `points(40)` has. */
const inputs = noise(40 * 6, 1);
const labels = Int32Array.from({ length: 40 }, (_, i) => {
  const first = inputs.subarray(i * 6, i * 6 + 3);
  return first.indexOf(Math.max(...first));
});

/** A trainer that has begun a call and waits at a sample, and its end. */
async function held(
  optimizer: optim.Optimizer,
  call: (trainer: Trainer, samples: data.Dataset) => Promise<unknown>,
) {
  const gate = new Gate(points(40), 32);
  const trainer = trainerOf(optimizer);
  const running = call(trainer, gate.samples);
  const finish = async () => {
    gate.open();
    await running;
  };
  onTestFinished(() => finish().catch(() => {}));
  await gate.reached();
  return { trainer, finish };
}

describe('the state of a trainer during a call', () => {
  it.each([1, 3])('is that of a whole step of fit, which accumulates %i', async (accumulate) => {
    const optimizer = () => optim.adam({ lr: 0.01, accumulate, average: 0.9 });
    const inOrder = { batchSize: 4, shuffle: false };
    const { trainer, finish } = await held(optimizer(), (one, all) => collect(one.fit(all, inOrder)));
    const [state, weights] = [await trainer.state(), await trainer.model.state()];
    await finish();
    const { steps } = progressOf(state);
    // The next sample is loaded ahead, before the update of the step.
    expect([7, 8]).toContain(steps);
    const few = data.fromArrays(inputs.subarray(0, steps * 24), labels.subarray(0, steps * 4), {
      inputs: { shape: [6] },
    });
    const other = trainerOf(optimizer());
    await collect(other.fit(few, inOrder));
    expect(tensorsOf(state)).toEqual(tensorsOf(await other.state()));
    expect(weights).toEqual(await other.model.state());
  });

  it('is refused while steps are tried out', async () => {
    const stop = new AbortController();
    const trying = { batchSize: 4, signal: stop.signal };
    const { trainer } = await held(optim.adam(), (one, all) => one.pace(all, trying));
    await expect(trainer.state()).rejects.toThrow(
      /^state: the trainer is trying out steps in a call of pace; wait for its end$/,
    );
    stop.abort();
  });
});

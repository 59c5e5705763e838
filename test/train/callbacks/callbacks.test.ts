import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callbacks, data, nn, optim, type Tensor, Trainer, type TrainerOptions } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../../helpers/folder.js';
import { failure } from '../../helpers/graphs.js';
import { collect, noise } from '../../helpers/training.js';

const folder = useFolder();

/** Labels that follow the first feature but for noise, which the model learns as well in the end. */
function noisy(seed: number, length = 48) {
  const inputs = noise(length * 4, seed);
  const labels = Int32Array.from(noise(length, seed + 1), (x, i) =>
    (inputs[4 * i] as number) + 0.8 * x > 0 ? 1 : 0,
  );
  return data.fromArrays(inputs, labels, { inputs: { shape: [4] } });
}
const train = noisy(1);
const validation = noisy(7);
const EPOCHS = 30;

const trainerOf = (options: Partial<TrainerOptions> = {}) =>
  new Trainer(new nn.Sequential(new nn.Linear(4, 24), new nn.Tanh(), new nn.Linear(24, 2)), {
    loss: nn.crossEntropy,
    optimizer: optim.adam({ lr: 0.03 }),
    workers: 1,
    shards: 3,
    seed: 2,
    ...options,
  });
const fitOptions = { epochs: EPOCHS, batchSize: 16, validation };
const weightsOf = async ({ model }: Trainer) =>
  Promise.all(model.parameters().map(async (x: Tensor) => [...(await x.data())]));

describe('earlyStopping', () => {
  it('ends a run that overfits some epochs after the best one, with the weights of the best one', async () => {
    const plain = trainerOf();
    const losses: number[] = [];
    const states: number[][][] = [];
    for await (const epoch of plain.fit(train, fitOptions)) {
      losses.push(epoch.validation?.loss as number);
      states.push(await weightsOf(plain));
    }
    // By hand: the best epoch before three in a row without a better one.
    const best = losses.findIndex(
      (loss, i) =>
        losses.slice(0, i).every((one) => one > loss) &&
        losses.slice(i + 1, i + 4).every((one) => one >= loss),
    );
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThan(EPOCHS - 4);
    for (const workers of [1, 2, 3]) {
      const trainer = trainerOf({ workers });
      const results = await collect(
        trainer.fit(train, { ...fitOptions, callbacks: [callbacks.earlyStopping()] }),
      );
      expect(results.map((result) => result.validation?.loss)).toEqual(losses.slice(0, best + 4));
      expect(await weightsOf(trainer)).toEqual(states[best]);
    }
    const kept = trainerOf();
    await collect(
      kept.fit(train, { ...fitOptions, callbacks: [callbacks.earlyStopping({ restoreBest: false })] }),
    );
    expect(await weightsOf(kept)).toEqual(states[best + 3]);
  });

  it('stops where it would have stopped, with the same bits, however often the run is interrupted', async () => {
    const whole = trainerOf();
    const records = await collect(
      whole.fit(train, { ...fitOptions, callbacks: [callbacks.earlyStopping()] }),
    );
    const weights = await weightsOf(whole);
    const steps = whole.steps;
    const runs = folder();
    for (const every of [1, 2, 5]) {
      const dir = join(runs, `run-${every}`);
      let trainer = trainerOf();
      let times = 0;
      for (let stop = every; ; stop += every) {
        times++;
        trainer = trainerOf({ workers: 1 + (times % 3) });
        const controller = new AbortController();
        const at = stop;
        const own = trainer;
        const watch: callbacks.Callback = {
          name: 'watch',
          onEpochEnd() {
            if (own.history.length + 1 >= at) controller.abort();
          },
        };
        const options = {
          ...fitOptions,
          callbacks: [callbacks.earlyStopping(), watch],
          signal: controller.signal,
          checkpoint: { dir, everySteps: 2 },
        };
        const error = await collect(trainer.fit(train, options)).then(
          () => undefined,
          (cause: unknown) => cause,
        );
        if (error === undefined) break;
        expect((error as Error).name).toBe('AbortError');
      }
      expect(times).toBeGreaterThan(1);
      expect(trainer.steps).toBe(steps);
      expect(trainer.history.map(({ validation: figures }) => figures)).toEqual(
        records.map(({ validation: figures }) => figures),
      );
      expect(await weightsOf(trainer)).toEqual(weights);
      // A finished run stays finished, with the best weights.
      const again = trainerOf();
      const options = {
        ...fitOptions,
        callbacks: [callbacks.earlyStopping(), { name: 'watch' }],
        checkpoint: { dir },
      };
      expect(await collect(again.fit(train, options))).toEqual([]);
      expect(await weightsOf(again)).toEqual(weights);
    }
  });

  it('takes NaN for worse, and says so once', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    const trainer = trainerOf({ metrics: { odd: (output: Tensor) => output.mul(0).sum().div(0) } });
    const stopping = callbacks.earlyStopping({ monitor: 'validation.odd', mode: 'max', patience: 2 });
    expect(await collect(trainer.fit(train, { ...fitOptions, callbacks: [stopping] }))).toHaveLength(2);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toEqual(['earlyStopping: validation.odd is NaN in epoch 1, which counts as worse']);
  });

  it.each([
    [
      'no such figure',
      { monitor: 'validation.acuracy' },
      'earlyStopping: unknown figure validation.acuracy; did you mean validation.accuracy? (the figures are loss, validation.loss, validation.accuracy)',
    ],
    [
      'an unknown direction',
      { monitor: 'validation.odd' },
      "earlyStopping: mode must be 'min' or 'max' for validation.odd, got undefined",
    ],
  ])('refuses %s before training', async (_, options, message) => {
    const metrics = {
      accuracy: nn.accuracy,
      ...(options.monitor.endsWith('odd') ? { odd: nn.accuracy } : {}),
    };
    const trainer = trainerOf({ metrics });
    const run = collect(trainer.fit(train, { ...fitOptions, callbacks: [callbacks.earlyStopping(options)] }));
    expect((await failure(run)).message).toBe(message);
    expect(trainer.steps).toBe(0);
  });

  it('needs a validation for its figures', async () => {
    const run = collect(trainerOf().fit(train, { callbacks: [callbacks.earlyStopping()] }));
    expect((await failure(run)).message).toBe(
      'earlyStopping: validation.loss needs the option validation of fit; the figures are loss',
    );
  });

  it('restores averages as well, where the optimiser keeps them', async () => {
    const trainer = trainerOf({ optimizer: optim.adam({ lr: 0.03, average: 0.5 }) });
    const best: number[] = [];
    for await (const { validation: figures } of trainer.fit(train, {
      ...fitOptions,
      callbacks: [callbacks.earlyStopping()],
    }))
      best.push(figures?.loss as number);
    const found = await trainer.withAverages(() => trainer.evaluate(validation, { batchSize: 16 }));
    expect(found.loss).toBe(Math.min(...best));
  });
});

describe('keepBest', () => {
  it('keeps the weights of the best epochs, and no others', async () => {
    const dir = folder();
    const path = join(dir, 'best.safetensors');
    const trainer = trainerOf();
    const losses: number[] = [];
    const options = { ...fitOptions, epochs: 8, callbacks: [callbacks.keepBest(path, { top: 3 })] };
    for await (const { validation: figures } of trainer.fit(train, options))
      losses.push(figures?.loss as number);
    const order = losses.map((loss, i) => [loss, i + 1] as const).sort(([a], [b]) => a - b);
    const names = order.slice(0, 3).map(([, epoch]) => `best-${epoch}.safetensors`);
    expect((await readdir(dir)).filter((name) => name.startsWith('best')).sort()).toEqual(names.sort());
    const other = trainerOf();
    await other.model.load(join(dir, `best-${order[0]?.[1]}.safetensors`));
    expect((await other.evaluate(validation, { batchSize: 16 })).loss).toBe(order[0]?.[0]);
  });

  it('warns once of a file that cannot be written, and training goes on', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    const file = join(folder(), 'file');
    await writeFile(file, '');
    const options = {
      ...fitOptions,
      epochs: 3,
      callbacks: [callbacks.keepBest(join(file, 'best.safetensors'), { monitor: 'loss' })],
    };
    expect(await collect(trainerOf().fit(train, options))).toHaveLength(3);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('keepBest: ');
  });
});

describe('history', () => {
  const linesOf = async (path: string) =>
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('has a line for each step and epoch, and goes on after a crash', async () => {
    const root = folder();
    const path = join(root, 'history.jsonl');
    const dir = join(root, 'checkpoints');
    const whole = trainerOf();
    const results = await collect(whole.fit(train, { ...fitOptions, epochs: 4 }));
    const options = {
      ...fitOptions,
      epochs: 4,
      checkpoint: { dir, everySteps: 2 },
      callbacks: [callbacks.history(path, { steps: true })],
    };
    for await (const { epoch } of trainerOf().fit(train, options)) if (epoch === 2) break;
    // What a crash would leave: a line of an epoch that no checkpoint has, and half a line.
    await writeFile(path, `${await readFile(path, 'utf8')}{"step":7,"epoch":3,"loss":1}\n{"ep`);
    await collect(trainerOf().fit(train, options));
    const lines = await linesOf(path);
    expect(lines.filter(({ step }) => step !== undefined).map(({ step, loss }) => [step, loss])).toEqual(
      results.flatMap(({ stepLosses }) => [...stepLosses]).map((loss, i) => [i + 1, loss]),
    );
    expect(
      lines
        .filter(({ step }) => step === undefined)
        .map(({ epoch, loss, validation: figures }) => ({ epoch, loss, validation: figures })),
    ).toEqual(results.map(({ epoch, loss, validation: figures }) => ({ epoch, loss, validation: figures })));
    const foreign = collect(
      trainerOf({ seed: 9 }).fit(train, { ...options, checkpoint: { dir: join(root, 'other') } }),
    );
    expect((await failure(foreign)).message).toContain(
      'history.jsonl must be a new file, or that of the run that resumes',
    );
  });
});

describe('callbacks', () => {
  it('are called in order, and told how training ended', async () => {
    const calls: string[] = [];
    const spy = (name: string): callbacks.Callback => ({
      name,
      onFitStart: ({ figures, epochs, steps }) =>
        void calls.push(`${name} start ${figures.join()} ${epochs} ${steps}`),
      onEpochStart: (epoch) => void calls.push(`${name} epoch ${epoch}`),
      onEpochEnd: ({ epoch }, { steps, history }) =>
        void calls.push(`${name} end of ${epoch} ${steps} ${history.length}`),
      onFitEnd: ({ outcome, reason }) => void calls.push(`${name} ${outcome} ${reason ?? ''}`.trim()),
    });
    await collect(trainerOf().fit(train, { epochs: 2, batchSize: 24, callbacks: [spy('a'), spy('b')] }));
    expect(calls).toEqual([
      'a start loss 2 0',
      'b start loss 2 0',
      'a epoch 1',
      'b epoch 1',
      'a end of 1 2 0',
      'b end of 1 2 0',
      'a epoch 2',
      'b epoch 2',
      'a end of 2 4 1',
      'b end of 2 4 1',
      'a completed',
      'b completed',
    ]);
    calls.length = 0;
    const stop: callbacks.Callback = { name: 'stop', onEpochEnd: (_, fit) => fit.stop('enough') };
    expect(await collect(trainerOf().fit(train, { epochs: 9, callbacks: [stop, spy('a')] }))).toHaveLength(1);
    expect(calls.at(-1)).toBe('a stopped enough');
    for await (const _ of trainerOf().fit(train, { epochs: 9, callbacks: [spy('a')] })) break;
    expect(calls.at(-1)).toBe('a left');
    const broken: callbacks.Callback = {
      name: 'broken',
      onEpochEnd: () => {
        throw new Error('no disk');
      },
    };
    expect((await failure(collect(trainerOf().fit(train, { callbacks: [broken, spy('a')] })))).message).toBe(
      'no disk',
    );
    expect(calls.at(-1)).toBe('a failed');
  });

  it('may end training at once: the weights are those of the last whole step', async () => {
    const now: callbacks.Callback = {
      name: 'now',
      onEpochStart: (epoch, fit) => {
        if (epoch === 2) fit.stopNow('now');
      },
    };
    const trainer = trainerOf();
    expect(await collect(trainer.fit(train, { ...fitOptions, callbacks: [now] }))).toHaveLength(1);
    expect(trainer.steps).toBeLessThan(6);
    const past = trainerOf();
    expect(
      await collect(past.fit(train, { ...fitOptions, callbacks: [callbacks.deadline(new Date(0))] })),
    ).toEqual([]);
    expect(past.steps).toBe(0);
  });

  it('of a run that resumes must be the same', async () => {
    const dir = join(folder(), 'same');
    const first = { ...fitOptions, epochs: 2, checkpoint: { dir }, callbacks: [callbacks.earlyStopping()] };
    await collect(trainerOf().fit(train, first));
    const other = { ...first, epochs: 3, callbacks: [callbacks.earlyStopping({ patience: 9 })] };
    expect((await failure(collect(trainerOf().fit(train, other)))).message).toMatch(
      /callbacks\.earlyStopping\.patience is 3 in the checkpoint, 9 given|callbacks.earlyStopping/,
    );
    const none = { ...fitOptions, epochs: 3, checkpoint: { dir } };
    expect((await failure(collect(trainerOf().fit(train, none)))).message).toContain(
      'callbacks.earlyStopping',
    );
    const allowed = { ...none, checkpoint: { dir, allow: ['callbacks', 'validation'] } };
    expect(await collect(trainerOf().fit(train, allowed))).toHaveLength(1);
  });

  it.each([
    [
      'no list',
      callbacks.earlyStopping(),
      'fit: callbacks must be an array of callbacks such as callbacks.earlyStopping(), got an instance of EarlyStopping',
    ],
    [
      'a function',
      [() => {}],
      'fit: callbacks must be an array of callbacks such as callbacks.earlyStopping(), got [function]',
    ],
    [
      'one without a name',
      [{ onEpochEnd() {} }],
      'fit: callbacks[0] must have a name, under which checkpoints keep its state, got undefined',
    ],
    [
      'one of Keras',
      [{ name: 'a', onEpochBegin() {} }],
      'fit: callbacks[0] has no method onEpochBegin; there are onFitStart, onEpochStart, onEpochEnd, onFitEnd, state, restore',
    ],
    [
      'two of one name',
      [{ name: 'a' }, { name: 'a' }],
      'fit: callbacks must have names of their own; give one of them the option name, got a',
    ],
  ])('are refused: %s', async (_, given, message) => {
    const run = collect(trainerOf().fit(train, { callbacks: given as never }));
    expect((await failure(run)).message).toContain(message.slice(0, 90));
  });
});

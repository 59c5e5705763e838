import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { compile, data, dataParallel, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { Gate } from '../helpers/gate.js';
import { failure } from '../helpers/graphs.js';
import { LONG } from '../helpers/long.js';
import { hashOf } from '../helpers/runs.js';
import { collect, mlp, noise, points } from '../helpers/training.js';

const folder = useFolder();

/** A model of two layers, and their statistics, that are equal after every whole step. */
class Twins extends nn.Module {
  a: nn.Linear;
  b: nn.Linear;
  normA: nn.BatchNorm1d;
  normB: nn.BatchNorm1d;

  constructor(readonly size: number) {
    super();
    this.a = new nn.Linear(size, size, { bias: false, init: nn.init.constant(0.01) });
    this.b = new nn.Linear(size, size, { bias: false, init: nn.init.constant(0.01) });
    this.normA = new nn.BatchNorm1d(size);
    this.normB = new nn.BatchNorm1d(size);
  }

  forward(x: Tensor): Tensor {
    const [a, b] = [this.a.forward(this.normA.forward(x)), this.b.forward(this.normB.forward(x))];
    return a.add(b).mean([1], { keepDims: true });
  }

  /** 0 for the parameters and the statistics of a whole step. */
  difference(x: Tensor): Tensor {
    const [a, b] = [this.normA.running_mean as Tensor, this.normB.running_mean as Tensor];
    const statistics = a.sub(b).abs().max();
    return this.a.forward(x).sub(this.b.forward(x)).abs().max([1]).add(statistics);
  }
}

/** That each reader makes at least. */
const READS = LONG ? 20 : 2;

const half = (rows: number, size: number) =>
  tensor(new Float32Array(rows * size).fill(0.5), { shape: [rows, size] });

describe('whoever reads parameters during fit', () => {
  it.each([1, 2])('sees those of one whole step of %i workers', async (workers) => {
    const [size, rows] = [512, 64];
    const model = new Twins(size);
    const samples = data.fromArrays(noise(rows * size, 1), new Float32Array(rows).fill(1), {
      inputs: { shape: [size] },
      targets: { shape: [1] },
    });
    const options = {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: 1e-3, momentum: 0.5 }),
      workers,
      shards: workers,
    };
    const trainer = new Trainer(model, options);
    const one = compile((x: Tensor) => model.difference(x));
    const many = compile((x: Tensor) => model.difference(x));
    const parallel = dataParallel((x: Tensor) => model.difference(x), { workers: 1 });
    const other = new Trainer(model, {
      ...options,
      loss: (output: Tensor) => output.mean(),
      metrics: { difference: () => model.difference(half(1, size)).mean() },
    });
    const path = join(folder(), 'twins.safetensors');
    const largest = async (result: Promise<Tensor>) => Math.max(...(await (await result).data()));
    const readers: Record<string, () => Promise<number>> = {
      short: () => largest(one(half(1, size))),
      long: () => largest(many(half(256, size))),
      parallel: () => largest(parallel(half(2, size))),
      data: () => largest(Promise.resolve(model.difference(half(1, size)))),
      trainer: async () => Number((await other.evaluate(samples)).difference),
      state: async () => {
        // A copy takes no turn of the event loop, as long as no update is under way.
        await turn();
        const state = await trainer.state();
        const [a, b] = ['a', 'b'].map((name) => state[`training/optimizer/momentum/${name}.weight`]?.data);
        const differs = (value: number | bigint, i: number) => value !== b?.[i];
        return (a as Float32Array).some(differs) ? 1 : 0;
      },
      save: async () => {
        await model.save(path);
        const saved = new Twins(size);
        await saved.load(path);
        return largest(Promise.resolve(saved.difference(half(1, size))));
      },
    };
    const seen: Record<string, number[]> = {};
    let over = false;
    const reading = Object.entries(readers).map(async ([name, read]) => {
      seen[name] = [];
      while (!over) seen[name].push(await read());
    });
    let epochs = 0;
    for await (const _ of trainer.fit(samples, { epochs: 10_000, batchSize: 8, shuffle: false })) {
      epochs++;
      if (Object.values(seen).every((values) => values.length >= READS)) break;
    }
    over = true;
    await Promise.all(reading);
    await parallel.close();
    expect(epochs).toBeGreaterThan(0);
    for (const [name, values] of Object.entries(seen)) {
      expect([name, Math.max(...values)]).toEqual([name, 0]);
    }
  });
});

const settings = () => ({ loss: nn.crossEntropy, optimizer: optim.adam(), workers: 2, shards: 2, seed: 2 });
const options = { batchSize: 4, shuffle: false };
const samples = points(80);

/** A training that is in the middle of a step until its gate is opened. */
async function held(model: nn.Module) {
  const trainer = new Trainer(model, settings());
  const gate = new Gate(samples, 40);
  const fitting = collect(trainer.fit(gate.samples, options));
  onTestFinished(async () => {
    gate.open();
    await fitting.catch(() => {});
  });
  await gate.reached();
  return { trainer, gate, fitting };
}

async function trained(): Promise<nn.Module> {
  const trainer = new Trainer(mlp(), settings());
  await collect(trainer.fit(samples, options));
  return trainer.model;
}

describe('a model that is being trained', () => {
  it('takes no second writer', async () => {
    const model = mlp();
    const path = join(folder(), 'model.safetensors');
    const { gate, fitting } = await held(model);
    await model.save(path);
    const other = new Trainer(model, settings());
    const parameters = model.parameters();
    const step = (x: Tensor) => {
      const loss = model.forward(x).square().mean();
      optim.sgd({ lr: 1 }).step(parameters, grad(loss, parameters));
      return loss;
    };
    const parallel = dataParallel(step, { workers: 1 });
    const rows = tensor(new Float32Array(12), { shape: [2, 6] });
    const refused = [
      await failure(model.load(path)),
      await failure(collect(other.fit(samples, options))),
      await failure(other.pace(samples, options)),
      await failure(other.profile(samples, { batchSize: 4 })),
      await failure(compile(step)(rows)),
      await failure(parallel(rows)),
      await failure(optim.lbfgs().step(parameters, () => step(rows))),
    ].map(({ message }) => message);
    await parallel.close();
    for (const message of refused)
      expect(message).toMatch(/0\.weight is being trained by (a|another) call of fit; wait for its end/);
    gate.open();
    await fitting;
    expect(hashOf(model)).toBe(hashOf(await trained()));
    await collect(other.fit(samples, options));
    await model.load(path);
  });

  it('is evaluated by another trainer, whose memory gets a copy', async () => {
    const model = mlp();
    const { trainer, gate, fitting } = await held(model);
    const other = new Trainer(model, settings());
    const before = hashOf(model);
    const figures = await other.evaluate(samples);
    expect(hashOf(model)).toBe(before);
    const frozen = mlp();
    const path = join(folder(), 'model.safetensors');
    await model.save(path);
    await frozen.load(path);
    expect(figures).toEqual(await new Trainer(frozen, settings()).evaluate(samples));
    expect(other.maxBatch(samples, { memory: '1GB' })).toBe(samples.length);
    gate.open();
    await fitting;
    expect(hashOf(model)).toBe(hashOf(await trained()));
    expect(await other.evaluate(samples)).toEqual(await trainer.evaluate(samples));
  });

  it('may be loaded between two epochs', async () => {
    const model = mlp();
    const path = join(folder(), 'model.safetensors');
    await mlp().init(9).save(path);
    const trainer = new Trainer(model, { ...settings(), optimizer: optim.sgd({ lr: 0 }) });
    for await (const { epoch } of trainer.fit(samples, { ...options, epochs: 2 })) {
      if (epoch === 1) await model.load(path);
    }
    expect(hashOf(model)).toBe(hashOf(mlp().init(9)));
  });

  it('is trained on after a data-parallel step between two epochs', async () => {
    const train = async (between: (model: nn.Module) => Promise<void>) => {
      const trainer = new Trainer(mlp(), settings());
      for await (const { epoch } of trainer.fit(samples, { ...options, epochs: 2 })) {
        if (epoch === 1) await between(trainer.model);
      }
      return hashOf(trainer.model);
    };
    const step = async (model: nn.Module) => {
      const sgd = optim.sgd({ lr: 0 });
      const parallel = dataParallel(
        (x: Tensor) => {
          const loss = model.forward(x).square().mean();
          sgd.step(model.parameters(), grad(loss, model.parameters()));
          return loss;
        },
        { workers: 1 },
      );
      await parallel(tensor(new Float32Array(12), { shape: [2, 6] }));
      await parallel.close();
    };
    expect(await train(step)).toBe(await train(async () => {}));
  });

  it('keeps others from writing its frozen layers and buffers, except between two epochs', async () => {
    const body = new nn.Sequential(new nn.Linear(6, 5), new nn.BatchNorm1d(5)).init(1);
    body.freeze();
    body.eval();
    const path = join(folder(), 'body.safetensors');
    await body.save(path);
    const { gate, fitting } = await held(new nn.Sequential(body, new nn.Linear(5, 3)));
    const read = /^load: 0\.weight is read by a call of fit; wait for its end/;
    expect((await failure(body.load(path))).message).toMatch(read);
    const other = new Trainer(new nn.Sequential(body, new nn.Linear(5, 3)), settings());
    await other.pace(samples, { batchSize: 4 });
    const before = await other.evaluate(samples);
    body.unfreeze();
    const expected = /0\.weight is read by another call of fit; wait for its end/;
    expect((await failure(collect(new Trainer(body, settings()).fit(samples, options)))).message).toMatch(
      expected,
    );
    body.freeze();
    gate.open();
    await fitting;
    expect(await other.evaluate(samples)).toEqual(before);
    await body.load(path);
    for await (const _ of other.fit(samples, { ...options, epochs: 2 })) await body.load(path);
  });

  it('shares frozen layers with one that is trained at the same time', async () => {
    const alone = async (seed: number) => {
      const body = mlp(6, 5).init(1);
      body.freeze();
      const trainer = new Trainer(new nn.Sequential(body, new nn.Linear(5, 3)), { ...settings(), seed });
      await collect(trainer.fit(samples, options));
      return hashOf(trainer.model);
    };
    const body = mlp(6, 5).init(1);
    body.freeze();
    const trainers = [3, 4].map(
      (seed) => new Trainer(new nn.Sequential(body, new nn.Linear(5, 3)), { ...settings(), seed }),
    );
    await Promise.all(trainers.map((trainer) => collect(trainer.fit(samples, options))));
    const together = trainers.map(({ model }) => hashOf(model));
    expect(together).toEqual([await alone(3), await alone(4)]);
  });

  it('is not read in place by a training that has frozen what another one trains', async () => {
    const body = mlp(6, 5).init(1);
    const { gate, fitting } = await held(new nn.Sequential(body, new nn.Linear(5, 3)));
    body.freeze();
    const other = new Trainer(new nn.Sequential(body, new nn.Linear(5, 3)), settings());
    const expected = /0\.weight is not trained here, but by another call of fit; wait for its end/;
    expect((await failure(collect(other.fit(samples, options)))).message).toMatch(expected);
    expect((await failure(other.evaluate(samples))).message).toMatch(expected);
    gate.open();
    await fitting;
    await collect(other.fit(samples, options));
  });

  it('starts the averages of its parameters from the values that it has when training begins', async () => {
    const path = join(folder(), 'model.safetensors');
    await mlp().init(9).save(path);
    const average = async (late: boolean) => {
      const model = mlp();
      if (!late) await model.load(path);
      const optimizer = optim.sgd({ lr: 0.1, average: 0.9 });
      const trainer = new Trainer(model, { ...settings(), optimizer });
      if (late) await model.load(path);
      await collect(trainer.fit(samples, options));
      return trainer.withAverages(() => hashOf(model));
    };
    expect(await average(true)).toBe(await average(false));
  });

  it('keeps its averages until an evaluation that began with them is done', async () => {
    const trainer = new Trainer(mlp(), { ...settings(), optimizer: optim.sgd({ lr: 0.1, average: 0.9 }) });
    await collect(trainer.fit(samples, options));
    const expected = await trainer.withAverages(() => trainer.evaluate(samples));
    const begun = await trainer.withAverages(async () => {
      const evaluation = trainer.evaluate(samples);
      await turn();
      return { evaluation };
    });
    expect(await begun.evaluation).toEqual(expected);
    expect(await trainer.evaluate(samples)).not.toEqual(expected);
  });

  it('shows its averages to a function that begins while another one gives them back', async () => {
    const trainer = new Trainer(mlp(), { ...settings(), optimizer: optim.sgd({ lr: 0.1, average: 0.9 }) });
    await collect(trainer.fit(samples, options));
    const own = hashOf(trainer.model);
    const averages = await trainer.withAverages(() => hashOf(trainer.model));
    for (let turns = 0; turns < 16; turns++) {
      const first = trainer.withAverages(() => {});
      for (let i = 0; i < turns; i++) await null;
      const second = trainer.withAverages(() => hashOf(trainer.model));
      await first;
      expect([turns, await second]).toEqual([turns, averages]);
      expect([turns, hashOf(trainer.model)]).toEqual([turns, own]);
    }
  });
});

import {
  compile,
  data,
  dataParallel,
  formatPlan,
  grad,
  nn,
  optim,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { collect, noise } from '../helpers/training.js';

const samples = (length = 32) => {
  const inputs = Float32Array.from(noise(2 * length, 1), (x) => 3 * x + 1);
  return data.fromArrays(inputs, noise(length, 2), { inputs: { shape: [2] }, targets: { shape: [1] } });
};

/** Normalisation and dropout below a head. */
class Net extends nn.Module {
  readonly backbone = new nn.Sequential(new nn.Linear(2, 4), new nn.BatchNorm1d(4), new nn.Dropout(0.5));
  readonly norm = new nn.BatchNorm1d(4);
  readonly head = new nn.Linear(4, 1);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.backbone.forward(x)));
  }

  get inner(): nn.BatchNorm1d {
    return this.backbone[1] as nn.BatchNorm1d;
  }
}

const trainerOf = (model: nn.Module, log: (line: string) => void = () => {}) =>
  new Trainer(model, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.01 }), workers: 1, log });

const fitOnce = async (model: nn.Module) =>
  collect(trainerOf(model.init(1)).fit(samples(), { batchSize: 8, shuffle: false }));

/** The modes of all modules, as `training` tells them. */
const modesOf = (module: nn.AnyModule): boolean[] => [
  module.training,
  ...module.namedChildren().flatMap(([, child]) => modesOf(child)),
];

const statisticsOf = (model: nn.Module) =>
  model.namedBuffers().map(([path, { storage }]) => [path, ...storage.data] as const);

/** Which of the two normalisations have moved their statistics in an epoch. */
async function moved(model: Net): Promise<{ inner: boolean; outer: boolean }> {
  const before = statisticsOf(model.init(1));
  const modes = modesOf(model);
  await fitOnce(model);
  expect(modesOf(model)).toEqual(modes);
  const changed = statisticsOf(model).filter((now, i) => String(now) !== String(before[i]));
  const has = (prefix: string) => changed.some(([path]) => path.startsWith(prefix));
  return { inner: has('backbone'), outer: has('norm') };
}

describe('fit trains', () => {
  it('all parts, whatever the mode of the model, and leaves the modes as they are', async () => {
    expect(await moved(new Net())).toEqual({ inner: true, outer: true });
    expect(await moved(new Net().eval())).toEqual({ inner: true, outer: true });
    const mixed = new Net().eval();
    mixed.head.train();
    expect(await moved(mixed)).toEqual({ inner: true, outer: true });
  });

  it('but keeps in inference a part that is frozen, or that eval() was called on', async () => {
    const frozen = new Net();
    frozen.backbone.freeze();
    expect(await moved(frozen)).toEqual({ inner: false, outer: true });
    expect(await moved(frozen.eval())).toEqual({ inner: false, outer: true });
    frozen.unfreeze();
    expect(await moved(frozen)).toEqual({ inner: true, outer: true });
    const evaluated = new Net();
    evaluated.norm.eval();
    expect(await moved(evaluated)).toEqual({ inner: true, outer: false });
    const one = new Net();
    one.inner.eval();
    expect(await moved(one)).toEqual({ inner: false, outer: true });
  });

  it('and tracks the statistics of a frozen part that was asked to', async () => {
    const model = new Net();
    model.backbone.freeze({ statistics: 'update' });
    const weights = () => model.backbone.parameters().map(({ storage }) => [...storage.data]);
    model.init(1);
    const before = weights();
    expect(await moved(model)).toEqual({ inner: true, outer: true });
    expect(weights()).toEqual(before);
    model.backbone.freeze();
    expect(await moved(model)).toEqual({ inner: false, outer: true });
    expect(() => model.freeze({ statistics: 'stop' } as never)).toThrow(
      "freeze: statistics must be 'keep' or 'update', got stop",
    );
  });

  it('a part of which a single parameter is frozen', async () => {
    const model = new Net();
    (model.inner.weight as nn.Parameter).trainable = false;
    expect(await moved(model)).toEqual({ inner: true, outer: true });
  });

  it('as the train() and eval() of the model and of its parts say', async () => {
    class Tuned extends Net {
      override train(training = true): this {
        super.train(training);
        this.backbone.eval();
        return this;
      }
    }
    expect(await moved(new Tuned())).toEqual({ inner: false, outer: true });
    expect(await moved(new Tuned().train())).toEqual({ inner: false, outer: true });
    expect(await moved(new Tuned().eval())).toEqual({ inner: false, outer: true });
    class Part extends nn.BatchNorm1d {
      override train(): this {
        return super.train(false);
      }
    }
    class Outer extends Net {
      override readonly norm = new Part(4);
    }
    expect(await moved(new Outer())).toEqual({ inner: true, outer: false });
  });

  it('frozen parts without dropout, and with the statistics that they have', async () => {
    const model = new Net();
    model.freeze();
    model.head.unfreeze();
    const trainer = trainerOf(model.init(1));
    const { loss } = await trainer.evaluate(samples(), { batchSize: 32 });
    const [epoch] = await collect(trainer.fit(samples(), { batchSize: 32, shuffle: false }));
    expect(epoch?.loss).toBeCloseTo(loss, 6);
  });
});

describe('modes', () => {
  /** A model whose modules have modes of all kinds. */
  const mixed = () => {
    const model = new Net();
    model.norm.eval();
    model.backbone.eval();
    model.inner.train();
    model.head.freeze();
    return model.init(1);
  };

  it('are as before after every call, also one that is left early or fails', async () => {
    const model = mixed();
    const before = modesOf(model);
    const trainer = trainerOf(model);
    const same = () => expect(modesOf(model)).toEqual(before);
    for await (const _ of trainer.fit(samples(), { epochs: 3, batchSize: 8, health: true })) {
      same();
      break;
    }
    same();
    await trainer.evaluate(samples());
    await trainer.predict(tensor([[1, 2]]));
    same();
    trainer.plan(samples());
    trainer.maxBatch(samples(), { memory: '64MB', most: 40 });
    await trainer.inspect(samples());
    await trainer.profile(samples(), { steps: 1, batchSize: 8 });
    await trainer.pace(samples(), { batchSize: 8 });
    same();
    const wide = data.fromArrays(noise(24, 1), noise(8, 1), {
      inputs: { shape: [3] },
      targets: { shape: [1] },
    });
    await expect(collect(trainer.fit(wide))).rejects.toThrow();
    await expect(trainer.evaluate(wide)).rejects.toThrow();
    await expect(trainer.predict(tensor([[1, 2, 3]]))).rejects.toThrow();
    same();
  });

  it('of evaluate and predict are those of inference, for all parts', async () => {
    const model = mixed().train();
    const trainer = trainerOf(model);
    const x = tensor([[1, 2]]);
    const predicted = await trainer.predict(x);
    const own = await model.eval().forward(x).toArray();
    expect(await predicted.toArray()).toEqual(own);
  });

  it('of evaluate are as the eval() of a part says', async () => {
    /** Draws in inference as well: Monte Carlo dropout (Gal & Ghahramani 2016). */
    class Always extends nn.Dropout {
      override eval(): this {
        return super.train(true);
      }
    }
    const model = new nn.Sequential(new Always(0.5));
    const predict = compile((x) => model.eval().forward(x));
    const ones = tensor(new Float32Array(64).fill(1), { shape: [1, 64] });
    expect(new Set(await (await predict(ones)).data())).toEqual(new Set([0, 2]));
    predict.release();
  });

  it('of the whole call of fit are those of its start', async () => {
    // The last batch of the second epoch has rows of a number of its own, so that it is traced in that epoch.
    const stream = data.stream(
      async function* ({ epoch }) {
        for (let i = 0; i < 11 + epoch; i++) yield { inputs: [i, 1], target: [i] };
      },
      { inputs: { shape: [2] }, targets: { shape: [1] } },
    );
    const model = new Net().init(1);
    const before = statisticsOf(model);
    model.backbone.freeze();
    let steps = 0;
    for await (const epoch of trainerOf(model).fit(stream, { epochs: 2, batchSize: 8 })) {
      steps += epoch.stepLosses.length;
      model.unfreeze().eval();
    }
    expect(steps).toBe(4);
    const inner = (all: ReturnType<typeof statisticsOf>) => all.filter(([path]) => path.startsWith('back'));
    expect(inner(statisticsOf(model))).toEqual(inner(before));
  });
});

describe('the parts kept in inference', () => {
  it('are named by the log of fit and by plan', async () => {
    const model = new Net();
    model.backbone.freeze();
    model.norm.eval();
    const lines: string[] = [];
    const trainer = trainerOf(model, (line) => lines.push(line));
    const plan = trainer.plan(samples());
    expect(plan.kept).toEqual([
      { path: 'backbone', by: 'freeze' },
      { path: 'norm', by: 'eval' },
    ]);
    expect(formatPlan(plan)).toMatch(/^backbone +kept in inference +freeze\(\)$/m);
    await collect(trainer.fit(samples()));
    expect(lines).toContain('fit: kept in inference: backbone (frozen) and norm (eval)');
    const plain = trainerOf(new Net()).plan(samples());
    expect(plain.kept).toEqual([]);
    expect(formatPlan(plain)).not.toContain('in inference');
  });
});

describe('a function of the caller’s own', () => {
  const x = tensor(noise(16, 3), { shape: [8, 2] });
  const y = tensor(noise(8, 4), { shape: [8, 1] });

  it.each(['compile', 'dataParallel'] as const)('%s follows freeze and unfreeze', async (kind) => {
    const model = new nn.Sequential(new nn.Linear(2, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 1)).init(1);
    const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9 });
    const body = (a: typeof x, b: typeof y) => {
      const loss = nn.mseLoss(model.forward(a), b);
      const parameters = model.parameters();
      optimizer.step(parameters, grad(loss, parameters));
      return loss;
    };
    const step = kind === 'compile' ? compile(body) : dataParallel(body, { workers: 1 });
    const state = () =>
      [...model.namedParameters(), ...model.namedBuffers()].map(([path, part]) => [
        path,
        ...part.storage.data,
      ]);
    const changedBy = async () => {
      const before = state();
      await step(x, y);
      return state().flatMap((now, i) => (String(now) === String(before[i]) ? [] : [now[0]]));
    };
    const ofNorm = ['1.running_mean', '1.running_var'];
    const all = ['0.weight', '0.bias', '1.weight', '1.bias', '2.weight', '2.bias'];
    expect(await changedBy()).toEqual([...all, ...ofNorm]);
    model[0]?.freeze();
    expect(await changedBy()).toEqual([...all.slice(2), ...ofNorm]);
    model[1]?.freeze();
    expect(await changedBy()).toEqual(all.slice(4));
    model.unfreeze();
    expect(await changedBy()).toEqual([...all, ...ofNorm]);
    if ('close' in step) await step.close();
    else step.release();
  });
});

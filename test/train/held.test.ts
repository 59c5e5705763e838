import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  assign,
  compile,
  data,
  dataParallel,
  formatPlan,
  grad,
  inspect,
  nn,
  optim,
  scan,
  stopGradient,
  type Tensor,
  Trainer,
  type TrainerOptions,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Buffer } from '#lib/nn/buffer.js';
import { useFolder } from '../helpers/folder.js';
import { failure as failureOf } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

const folder = useFolder();
const failure = async (promise: Promise<unknown>) => (await failureOf(promise)).message;
const samples = () =>
  data.fromArrays(noise(64, 1), noise(32, 2), { inputs: { shape: [2] }, targets: { shape: [1] } });

const trainerOf = (model: nn.Module, options: Partial<TrainerOptions> = {}) =>
  new Trainer(model, {
    loss: nn.mseLoss,
    optimizer: optim.sgd({ lr: 0.1 }),
    workers: 2,
    shards: 2,
    ...options,
  });

const trained = (model: nn.Module, options: Partial<TrainerOptions> = {}) =>
  collect(trainerOf(model, options).fit(samples(), { batchSize: 8 }));

/** A model with a way to compute that `Module` may not see. */
abstract class Net extends nn.Module {
  readonly out = new nn.Linear(2, 1);
  protected abstract hidden(x: Tensor): Tensor;
  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden(x));
  }
}

/** A layer that no field holds. */
const outside = new nn.Linear(2, 2);
/** A class of the user's own that is no module. */
class Holder {
  readonly layer = new nn.Linear(2, 2);
}
const closure = (() => {
  const layer = new nn.Linear(2, 2);
  return (x: Tensor) => layer.forward(x);
})();

const unseen: Readonly<Record<string, () => nn.Module>> = {
  'a private field': () =>
    new (class extends Net {
      readonly #layer = new nn.Linear(2, 2);
      protected hidden = (x: Tensor) => this.#layer.forward(x);
    })(),
  'a closure': () =>
    new (class extends Net {
      protected hidden = closure;
    })(),
  'a function of a Lambda': () => new nn.Sequential(new nn.Lambda(closure), new nn.Linear(2, 1)),
  'a Map': () =>
    new (class extends Net {
      readonly map = new Map([['a', new nn.Linear(2, 2)]]);
      protected hidden = (x: Tensor) => (this.map.get('a') as nn.Linear).forward(x);
    })(),
  'a Set': () =>
    new (class extends Net {
      readonly set = new Set<nn.Module>([new nn.Linear(2, 2)]);
      protected hidden = (x: Tensor) =>
        [...this.set].reduce((value: Tensor, layer) => layer.forward(value), x);
    })(),
  'an object of a class': () =>
    new (class extends Net {
      readonly holder = new Holder();
      protected hidden = (x: Tensor) => this.holder.layer.forward(x);
    })(),
  'a getter': () =>
    new (class extends Net {
      get layer(): nn.Linear {
        return outside;
      }
      protected hidden = (x: Tensor) => this.layer.forward(x);
    })(),
  'a field that is not enumerable': () => {
    class Hiding extends Net {
      declare readonly layer: nn.Linear;
      protected hidden = (x: Tensor) => this.layer.forward(x);
    }
    return Object.defineProperty(new Hiding(), 'layer', { value: new nn.Linear(2, 2) });
  },
  'a loop': () =>
    new (class extends Net {
      readonly #layer = new nn.Linear(2, 2);
      protected hidden = (x: Tensor) =>
        scan(([value]) => ({ carry: [this.#layer.forward(value as Tensor)] }), { carry: [x], length: 2 })
          .carry[0] as Tensor;
    })(),
};

describe('a layer that Module does not see', () => {
  it.each(Object.entries(unseen))('in %s is an error that names its place', async (_, make) => {
    const message = await failure(trained(make()));
    expect(message).toMatch(
      /^Trainer: the loss depends on parameters that the model does not hold, so they would be neither trained nor saved: \[2,2\] and \[2\] of Linear \(made at test\/train\/held\.test\.ts:\d+:\d+, used in (the model's forward|0)\); keep each in a public field /,
    );
    const line = Number(/held\.test\.ts:(\d+)/.exec(message)?.[1]);
    expect(readFileSync(new URL(import.meta.url), 'utf8').split('\n')[line - 1]).toContain(
      'new nn.Linear(2, 2)',
    );
  });

  it('is refused by plan, profile and pace as well, and evaluate and predict run it', async () => {
    const trainer = trainerOf((unseen['a closure'] as () => nn.Module)());
    expect(() => trainer.plan(samples())).toThrow('the model does not hold');
    await expect(trainer.profile(samples())).rejects.toThrow('the model does not hold');
    await expect(trainer.pace(samples())).rejects.toThrow('the model does not hold');
    expect((await trainer.evaluate(samples())).loss).toBeGreaterThan(0);
    expect((await trainer.predict(tensor([[1, 2]]))).shape).toEqual([1, 1]);
  });

  it('but made in forward, is told to be made once', async () => {
    class Making extends Net {
      protected hidden = (x: Tensor) => new nn.LSTM(2, 2).forward(x.reshape([-1, 1, 2])).reshape([-1, 2]);
    }
    const message = await failure(trained(new Making()));
    expect(message).toMatch(/of LSTM \(made at .*\); make them in the constructor, in a field of the model/);
    class Lazy extends Net {
      layer: nn.Linear | undefined;
      protected hidden(x: Tensor): Tensor {
        this.layer ??= new nn.Linear(2, 2);
        return this.layer.forward(x);
      }
    }
    const lazy = new Lazy();
    expect(await failure(trained(lazy))).toMatch(/run the model once before `new Trainer`$/);
    const before = [...(lazy.layer as nn.Linear).weight.storage.data];
    await trained(lazy);
    expect([...(lazy.layer as nn.Linear).weight.storage.data]).not.toEqual(before);
  });

  it('is named by the layer of the model that uses it, and by its own class', async () => {
    class Scale extends nn.Module {
      readonly #factor = new nn.Parameter([2], { init: nn.init.ones });
      forward = (x: Tensor) => x.mul(this.#factor);
    }
    const model = new nn.Sequential(new nn.Sequential(new Scale()), new nn.Linear(2, 1));
    expect(await failure(trained(model))).toMatch(
      /: \[2\] of Scale \(made at .*held\.test\.ts:\d+:\d+, used in 0\.0\);/,
    );
  });

  it('with running statistics is an error as well', async () => {
    class Hidden extends Net {
      readonly #norm = new nn.BatchNorm1d(2, { affine: false });
      protected hidden = (x: Tensor) => this.#norm.forward(x);
    }
    expect(await failure(trained(new Hidden()))).toMatch(
      /^Trainer: forward must not assign variables other than buffers of the model, whose values would be lost: \[2\] and \[2\] of BatchNorm1d \(made at/,
    );
    class Counting extends Net {
      readonly #count = new Buffer([2]);
      protected hidden(x: Tensor): Tensor {
        if (this.training) assign(this.#count, this.#count.add(1));
        return x;
      }
    }
    expect(await failure(trained(new Counting()))).toContain('of Counting (made at');
  });

  it('may be a frozen one, or a teacher behind stopGradient', async () => {
    class Distilled extends Net {
      readonly #teacher = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2)).eval();
      readonly #frozen = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2)).freeze();
      protected hidden = (x: Tensor) => this.#frozen.forward(x).add(stopGradient(this.#teacher.forward(x)));
    }
    const [epoch] = await trained(new Distilled());
    expect(epoch?.loss).toBeGreaterThan(0);
  });

  it('may replace a layer of a Sequential, which then runs and is trained', async () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 3)).init(1);
    const head = new nn.Linear(2, 1);
    model[1] = head;
    expect(model.forward(tensor([[1, 2]])).shape).toEqual([1, 1]);
    model.init(1);
    const before = [...head.weight.storage.data];
    await trained(model);
    expect([...head.weight.storage.data]).not.toEqual(before);
  });

  it('is seen in an object without a prototype', () => {
    class Bare extends nn.Module {
      readonly parts: Record<string, nn.Module> = Object.assign(Object.create(null), {
        a: new nn.Linear(1, 1),
      });
      forward = (x: Tensor) => x;
    }
    expect(new Bare().namedParameters().map(([path]) => path)).toEqual(['parts.a.weight', 'parts.a.bias']);
  });
});

describe('a function of the caller’s own', () => {
  const x = tensor(noise(16, 3), { shape: [8, 2] });
  const out = new nn.Linear(2, 1).init(1);
  const loss = (input: Tensor) => out.forward(new nn.Linear(2, 2).forward(input)).mean();

  it('is refused if it makes a layer that it trains', async () => {
    const optimizer = optim.sgd({ lr: 0.1 });
    const step = (input: Tensor) => {
      const value = loss(input);
      optimizer.step(out.parameters(), grad(value, out.parameters()));
      return value;
    };
    const expected =
      /^(sgd\.step|lbfgs): the loss depends on a parameter that is made anew whenever the function is traced, and never updated: \[2,?2?\] of Linear \(made at test\/train\/held\.test\.ts:/;
    expect(await failure(compile(step)(x))).toMatch(expected);
    expect(await failure(dataParallel(step, { workers: 1 })(x))).toMatch(expected);
    expect(await failure(optim.lbfgs().step(out.parameters(), () => loss(x)))).toMatch(expected);
  });

  it('may train a part of what the loss depends on', async () => {
    const other = new nn.Linear(2, 2).init(1);
    const optimizer = optim.sgd({ lr: 0.1 });
    const step = compile((input: Tensor) => {
      const value = out.forward(other.forward(input)).mean();
      optimizer.step(out.parameters(), grad(value, out.parameters()));
      return value;
    });
    expect(await (await step(x)).item()).toBeTypeOf('number');
    step.release();
  });
});

/** A loss with parameters, a buffer and a mode: the distance to a centre that it learns, and how often it was used. */
class Centre extends nn.Module {
  readonly centre = new nn.Parameter([1], { init: nn.init.zeros });
  readonly calls = new Buffer([1]);

  forward(output: Tensor, target: Tensor): Tensor {
    if (this.training) assign(this.calls, this.calls.add(1));
    return nn.mseLoss(output.add(this.centre), target);
  }
}

describe('extraModules', () => {
  const make = (extra: Centre, workers = 2) =>
    trainerOf(new nn.Linear(2, 1), {
      loss: (output, target) => extra.forward(output, target),
      extraModules: [extra],
      optimizer: optim.adam({ lr: 0.1 }),
      workers,
      shards: 2,
    });

  it('are trained as parts of the model are', async () => {
    const extra = new Centre();
    const trainer = make(extra);
    await collect(trainer.fit(samples(), { batchSize: 8, shuffle: false }));
    /** The same parameters inside of the model. */
    class Whole extends nn.Module {
      readonly linear = new nn.Linear(2, 1);
      readonly bias = new nn.Parameter([1], { init: nn.init.zeros });
      forward = (x: Tensor) => this.linear.forward(x).add(this.bias);
    }
    const whole = new Whole();
    const same = new nn.Linear(2, 1).init(0).parameters();
    whole.linear.parameters().forEach(({ storage }, i) => {
      storage.data.set(same[i]?.storage.data ?? []);
    });
    await collect(
      trainerOf(whole, { optimizer: optim.adam({ lr: 0.1 }), shards: 2 }).fit(samples(), {
        batchSize: 8,
        shuffle: false,
      }),
    );
    expect([...extra.centre.storage.data]).toEqual([...whole.bias.storage.data]);
    expect([...extra.calls.storage.data]).toEqual([4]);
    expect(extra.centre.path).toBe('extraModules.0.centre');
  });

  it('are counted by plan, and follow the modes of the model', async () => {
    const extra = new Centre();
    const trainer = make(extra);
    const { shared, untrained } = trainer.plan(samples());
    const alone = trainerOf(new nn.Linear(2, 1), { optimizer: optim.adam() }).plan(samples());
    expect(shared.parameters).toBe(alone.shared.parameters + 2 * 64);
    expect(untrained).toEqual([]);
    await trainer.evaluate(samples());
    expect([...extra.calls.storage.data]).toEqual([0]);
    trainer.model.eval();
    extra.eval();
    await collect(trainer.fit(samples(), { batchSize: 8 }));
    expect([trainer.model.training, extra.training]).toEqual([false, false]);
    expect([...extra.calls.storage.data]).toEqual([4]);
    trainer.model.train();
    await collect(trainer.fit(samples(), { batchSize: 8 }));
    expect([...extra.calls.storage.data]).toEqual([4]);
  });

  it('are saved in checkpoints, from which a run goes on to the same bits', async () => {
    const whole = new Centre();
    const reference = make(whole);
    await collect(reference.fit(samples(), { batchSize: 8, epochs: 3 }));
    const [dir, copy] = [folder(), folder()];
    await collect(
      make(new Centre()).fit(samples(), {
        batchSize: 8,
        epochs: 3,
        checkpoint: { dir, everySteps: 6, keep: 9 },
      }),
    );
    const name = 'step-000000006.safetensors';
    copyFileSync(join(dir, name), join(copy, name));
    const extra = new Centre();
    const resumed = make(extra, 1);
    await collect(resumed.fit(samples(), { batchSize: 8, epochs: 3, checkpoint: { dir: copy } }));
    const state = ({ model }: Trainer, { centre, calls }: Centre) =>
      [...model.parameters(), centre, calls].map(({ storage }) => [...storage.data]);
    expect(state(resumed, extra)).toEqual(state(reference, whole));
    // The model can be read from such a file without its extra modules.
    const loaded = new nn.Linear(2, 1);
    await loaded.load(join(dir, name));
    expect(loaded.weight.storage.initialised).toBe(true);
  });

  it('must be modules', () => {
    expect(() => trainerOf(new nn.Linear(2, 1), { extraModules: [nn.mseLoss] as never })).toThrow(
      'Trainer: extraModules must be an array of modules, got [function mseLoss]',
    );
    expect(() => trainerOf(new nn.Linear(2, 1), { extraModules: new Centre() as never })).toThrow(
      'Trainer: extraModules must be an array of modules, got an instance of Centre',
    );
  });

  it('of a loss that are left out are missed', async () => {
    const extra = new Centre();
    const message = await failure(
      trained(new nn.Linear(2, 1), { loss: (output, target) => extra.forward(output, target) }),
    );
    expect(message).toMatch(/\[1\] of Centre \(made at .*, used in the loss\); .* the option extraModules/);
  });
});

describe('a parameter that the loss does not depend on', () => {
  class Spare extends Net {
    readonly spare = new nn.Linear(3, 3, { bias: false });
    readonly frozen = new nn.Linear(3, 3).freeze();
    protected hidden = (x: Tensor) => x;
  }

  it('is named by plan, by the log of fit and by the health report', async () => {
    const lines: string[] = [];
    const trainer = trainerOf(new Spare(), { log: (line) => lines.push(line) });
    const plan = trainer.plan(samples());
    expect(plan.untrained).toEqual(['spare.weight']);
    expect(formatPlan(plan)).toMatch(/^spare\.weight +no gradient +the loss does not depend on it$/m);
    await collect(trainer.fit(samples()));
    expect(lines).toContain('fit: the loss does not depend on spare.weight');
    const { findings, parameters } = await trainer.inspect(samples());
    expect(parameters.filter(({ untrained }) => untrained).map(({ path }) => path)).toEqual(['spare.weight']);
    const finding = findings.find(({ kind }) => kind === 'untrained');
    expect(finding?.layers).toEqual(['spare.weight']);
    expect(finding?.message).toMatch(
      /^The loss does not depend on spare\.weight, so no gradient trains it\./,
    );
    expect(findings.find(({ kind }) => kind === 'staleUpdates')).toBeUndefined();
    const plain = await inspect(new nn.Linear(2, 1).init(1), nn.mseLoss, tensor([[1, 2]]), tensor([[1]]));
    expect(plain.findings.find(({ kind }) => kind === 'untrained')).toBeUndefined();
  });
});

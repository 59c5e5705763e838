import { readFileSync } from 'node:fs';
import { data, nn, optim, type Tensor, Trainer, type TrainerOptions, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure as failureOf } from '../helpers/graphs.js';
import { collect, noise } from '../helpers/training.js';

const failure = async (promise: Promise<unknown>) => (await failureOf(promise)).message;
const samples = data.fromArrays(noise(64, 1), noise(32, 2), {
  inputs: { shape: [2] },
  targets: { shape: [1] },
});
const trainerOf = (model: nn.Module, options: Partial<TrainerOptions> = {}) =>
  new Trainer(model, { loss: nn.mseLoss, optimizer: optim.sgd({ lr: 0.1 }), workers: 1, ...options });
const trained = (model: nn.Module, options: Partial<TrainerOptions> = {}) =>
  collect(trainerOf(model, options).fit(samples, { batchSize: 8 }));

class Net extends nn.Module {
  readonly out = new nn.Linear(2, 1);
  hidden(x: Tensor): Tensor {
    return x;
  }
  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden(x));
  }
}

class Hiding extends Net {
  readonly #dropout = new nn.Dropout(0.5);
  override hidden = (x: Tensor) => this.#dropout.forward(x);
}

const lambda = () => {
  const dropout = new nn.Dropout(0.5);
  return new nn.Sequential(new nn.Lambda((x: Tensor) => dropout.forward(x)), new nn.Linear(2, 1));
};

class Noise extends nn.Module {
  forward = (x: Tensor) => (this.training ? x.mul(2) : x);
}

const rule =
  'Trainer: there are layers in training that the model does not hold, so they would be in training in inference as well: ';

describe('a layer without parameters that Module does not see', () => {
  it.each([
    ['a private field', () => new Hiding(), "Dropout (made at PLACE, used in the model's forward)"],
    ['a closure', lambda, 'Dropout (made at PLACE, used in 0)'],
  ])('in %s is an error that names its place', async (_, make, expected) => {
    const message = await failure(trained(make()));
    expect(message.replace(/test\/train\/reached\.test\.ts:\d+:\d+/, 'PLACE')).toBe(
      `${rule}${expected}; keep each in a public field of its module, or in an array or plain object there, or name it in the option extraModules; or else call its eval()`,
    );
    const line = Number(/reached\.test\.ts:(\d+)/.exec(message)?.[1]);
    expect(readFileSync(new URL(import.meta.url), 'utf8').split('\n')[line - 1]).toContain('new nn.Dropout');
  });

  it('is refused by evaluate, predict and plan, which would draw random numbers', async () => {
    const trainer = trainerOf(new Hiding());
    await expect(trainer.evaluate(samples)).rejects.toThrow(`${rule}Dropout (made at `);
    await expect(trainer.predict(tensor([[1, 2]]))).rejects.toThrow(`${rule}Dropout (made at `);
    expect(() => trainer.plan(samples)).toThrow(`${rule}Dropout (made at `);
  });

  it('of a class of the caller’s own, in the loss, or made in forward is found as well', async () => {
    const noise = new Noise();
    const loss = (output: Tensor, target: Tensor) => nn.mseLoss(noise.forward(output), target);
    expect(await failure(trained(new Net(), { loss }))).toMatch(
      /: Noise \(made at .*, used in the loss\); keep/,
    );
    await trained(new Net(), { loss, extraModules: [noise] });
    class Making extends Net {
      override hidden = (x: Tensor) => new nn.Dropout(0.5).forward(x);
    }
    expect(await failure(trained(new Making()))).toMatch(
      /: Dropout \(made at .*\); make them in the constructor/,
    );
  });

  it('may be one in inference, or one that the model’s own train reaches', async () => {
    class Inferring extends Net {
      readonly #teacher = new nn.Dropout(0.5).eval();
      readonly #frozen = new nn.Dropout(0.5).freeze();
      override hidden = (x: Tensor) => this.#frozen.forward(this.#teacher.forward(x));
    }
    await trained(new Inferring());
    class Reaching extends Net {
      readonly #dropout = new nn.Dropout(0.5);
      override hidden = (x: Tensor) => this.#dropout.forward(x);
      override train(training = true): this {
        this.#dropout.train(training);
        return super.train(training);
      }
    }
    const trainer = trainerOf(new Reaching());
    await collect(trainer.fit(samples, { validation: samples }));
    const outputs = await Promise.all(
      [0, 1].map(async () => (await trainer.predict(tensor([[1, 2]]))).toArray()),
    );
    expect(outputs[0]).toEqual(outputs[1]);
  });

  it('but one that the model holds may stay in training, and the model may read its own mode', async () => {
    class Always extends nn.Dropout {
      override eval(): this {
        return this;
      }
    }
    class Own extends Net {
      readonly always = new Always(0.5);
      override hidden = (x: Tensor) => (this.training ? x : this.always.forward(x));
    }
    const extra = new Noise();
    const trainer = trainerOf(new Own(), { extraModules: [extra] });
    await collect(trainer.fit(samples, { validation: samples }));
    expect((await trainer.predict(tensor([[1, 2]]))).shape).toEqual([1, 1]);
  });
});

describe('a model whose forward returns no tensor', () => {
  it.each([
    ['a number', () => 3, '3'],
    ['an array of other things', () => [1], '[1]'],
    ['a promise', async (x: Tensor) => x, 'an instance of Promise'],
    ['nothing', () => undefined, 'undefined'],
  ])('but %s is told so', async (_, forward, received) => {
    class Wrong extends Net {
      override forward = forward as never;
    }
    const message = `Trainer: the model's forward must return a tensor, or a list or a record of tensors, got ${received}`;
    const trainer = trainerOf(new Wrong());
    expect(await failure(collect(trainer.fit(samples)))).toBe(message);
    expect(await failure(trainer.predict(tensor([[1, 2]])))).toBe(message);
    expect(await failure(trainer.evaluate(samples))).toBe(message);
  });
});

describe('a module without a method forward', () => {
  class Keras extends nn.Module {
    readonly fc = new nn.Linear(2, 1);
    call = (x: Tensor) => this.fc.forward(x);
    declare forward: (x: Tensor) => Tensor;
  }
  Reflect.deleteProperty(Keras.prototype, 'forward');
  const make = () => {
    const model = new Keras();
    Reflect.deleteProperty(model, 'forward');
    return model;
  };
  const expected =
    'must be a module with a method forward: Keras has no method forward, which its method call seems to be meant as';

  it('is refused where it would be called', () => {
    expect(() => trainerOf(make())).toThrow(`Trainer: model ${expected}`);
    expect(() => new nn.Sequential(make())).toThrow(expected);
    expect(() => new nn.Residual(make())).toThrow(expected);
  });

  it('may be an extra module, which computes by other methods', async () => {
    const extra = make();
    const loss = (output: Tensor, target: Tensor) =>
      nn.mseLoss(output, target).add(extra.call(tensor([[1, 2]])).mean());
    const [epoch] = await trained(new Net(), { loss, extraModules: [extra] });
    expect(epoch?.stepLosses.length).toBe(4);
  });
});

describe('metrics are checked before the first step', () => {
  const refused = (metric: unknown) => failure(trained(new Net(), { metrics: { mine: metric } as never }));
  const r2 = (part: object) =>
    nn.figure({
      init: () => ({ n: tensor(0) }),
      update: ({ n }) => ({ n }),
      merge: (a) => a,
      result: ({ n }) => n,
      ...part,
    });

  it('and named', async () => {
    expect(await refused(() => 1)).toMatch(/^Trainer: .*metric mine must be .*, got 1$/);
    expect(await refused(async (output: Tensor) => output)).toMatch(/metric mine must be .*promise$/);
    expect(await refused((output: Tensor) => output.matmul(output))).toMatch(/^metric mine: matmul: /);
    expect(await refused(r2({ update: ({ n }: { n: Tensor }) => ({ n: n.reshape([7]) }) }))).toMatch(
      /^metric mine: reshape: /,
    );
    expect(await refused(r2({ update: () => 3 }))).toContain('metric mine');
  });

  it('as a class is no metric', () => {
    class Accuracy {}
    expect(() => trainerOf(new Net(), { metrics: { accuracy: Accuracy as never } })).toThrow(
      'Trainer: metric accuracy must be a function of output and target or a figure, got function Accuracy',
    );
  });

  it('on the outputs of inference', async () => {
    class Auxiliary extends Net {
      override forward(x: Tensor): Tensor {
        const output = super.forward(x);
        return this.training
          ? output.mul(new nn.Linear(1, 2).freeze().init(1).weight.reshape([1, 2]))
          : output;
      }
    }
    const loss = (output: Tensor, target: Tensor) =>
      nn.mseLoss(
        output.slice([
          [0, output.shape[0] ?? 0],
          [0, 1],
        ]),
        target,
      );
    const exact = (output: Tensor, target: Tensor) => nn.mseLoss(output, target);
    const [epoch] = await trained(new Auxiliary(), { loss, metrics: { exact } });
    expect(epoch?.loss).toBeGreaterThan(0);
  });
});

import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  assign,
  type CompiledFunction,
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
import { Claim } from '#lib/runtime/access/claim.js';
import { Gate } from '#lib/runtime/access/gate.js';
import { useFolder } from '../../helpers/folder.js';
import { failure } from '../../helpers/graphs.js';

const folder = useFolder();

const mlp = (seed = 1) =>
  new nn.Sequential(new nn.Linear(12, 16), new nn.Tanh(), new nn.Linear(16, 3)).init(seed);

const rows = (count: number) =>
  tensor(
    Float32Array.from({ length: count * 12 }, (_, i) => Math.sin(i)),
    { shape: [count, 12] },
  );

const bits = async (x: Tensor) => Buffer.from((await x.data()).buffer).toString('base64');

/** The two ways to compute a model, and whether they agree. */
function both(model: nn.Module) {
  const ordinary = compile((x: Tensor) => model.forward(x));
  const inference = compile((x: Tensor) => model.forward(x), { inference: true });
  const agree = async (x = rows(2)) => (await bits(await inference(x))) === (await bits(await ordinary(x)));
  return { ordinary, inference, agree };
}

/** A function of a model whose value differs from 0 if the two parameters are not of one step. */
class Twins extends nn.Module {
  a: nn.Parameter;
  b: nn.Parameter;

  constructor(size: number) {
    super();
    this.a = new nn.Parameter([size], { init: nn.init.ones });
    this.b = new nn.Parameter([size], { init: nn.init.ones });
  }

  forward(x: Tensor): Tensor {
    return x
      .mul(this.a)
      .mean([1], { keepDims: true })
      .add(x.mul(this.b).mean([1], { keepDims: true }));
  }

  difference(x: Tensor): Tensor {
    return x.sum().mul(0).add(this.a.sub(this.b).abs().max());
  }
}

describe('a function that is compiled for inference', () => {
  it('returns what an ordinary one does, for every shape', async () => {
    const { agree } = both(mlp());
    for (const count of [1, 2, 17, 1]) expect(await agree(rows(count))).toBe(true);
  });

  it('computes gradients with respect to arguments and parameters', async () => {
    const model = mlp();
    const [first] = model.parameters();
    const fn = (x: Tensor) => grad(model.forward(x).square().sum(), [x, first as Tensor]);
    const [ordinary, inference] = [compile(fn), compile(fn, { inference: true })];
    const [expected, found] = [await ordinary(rows(3)), await inference(rows(3))];
    for (const i of [0, 1]) expect(await bits(found[i] as Tensor)).toBe(await bits(expected[i] as Tensor));
  });

  it('draws random numbers in each call', async () => {
    const noise = compile((x: Tensor) => x.add(nn.dropout(x, 0.5)), { inference: true, seed: 3 });
    const again = compile((x: Tensor) => x.add(nn.dropout(x, 0.5)), { seed: 3 });
    const drawn = [];
    for (let i = 0; i < 3; i++) drawn.push(await bits(await noise(rows(4))));
    expect(new Set(drawn).size).toBe(3);
    expect(await bits(await again(rows(4)))).toBe(drawn[0]);
  });

  it('returns parameters and what depends on them alone, as copies', async () => {
    const model = mlp();
    const [weight] = model.parameters() as [nn.Parameter];
    const fn = compile((x: Tensor) => [weight, weight.sum(), x.sum()], { inference: true });
    const [copy] = (await fn(rows(1))) as [Tensor];
    expect(await bits(copy)).toBe(await bits(weight));
    (await copy.data()).fill(0);
    expect(await bits((await fn(rows(1)))[0] as Tensor)).toBe(await bits(weight));
  });

  it('checks that results are finite', async () => {
    const model = mlp();
    const fn = compile((x: Tensor) => model.forward(x).log(), { inference: true, checkFinite: true });
    expect(await failure(fn(rows(2)))).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
  });
});

describe('the snapshot of a function for inference', () => {
  it('is renewed when a file is loaded', async () => {
    const path = join(folder(), 'other.safetensors');
    await mlp(2).save(path);
    const model = mlp();
    const { agree, inference } = both(model);
    const before = await bits(await inference(rows(1)));
    await model.load(path);
    expect(await agree()).toBe(true);
    expect(await bits(await inference(rows(1)))).not.toBe(before);
  });

  it('is renewed when a compiled function assigns or an optimiser makes a step', async () => {
    const model = mlp();
    const [weight] = model.parameters() as [nn.Parameter];
    const { agree, inference } = both(model);
    const double = compile(() => {
      assign(weight, weight.mul(2));
      return undefined;
    });
    const optimizer = optim.adam({ lr: 0.1 });
    const step = compile((x: Tensor) => {
      const loss = model.forward(x).square().mean();
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    });
    const seen = [await bits(await inference(rows(1)))];
    for (const change of [double, () => step(rows(4)), double]) {
      await change();
      expect(await agree()).toBe(true);
      seen.push(await bits(await inference(rows(1))));
    }
    expect(new Set(seen).size).toBe(4);
  });

  it('is renewed by the steps of dataParallel and of lbfgs', async () => {
    const model = mlp();
    const { agree, inference } = both(model);
    const seen = [await bits(await inference(rows(1)))];
    const optimizer = optim.sgd({ lr: 0.1 });
    const step = dataParallel(
      (x: Tensor) => {
        const loss = model.forward(x).square().mean();
        optimizer.step(model.parameters(), grad(loss, model.parameters()));
        return loss;
      },
      { workers: 2, shards: 2 },
    );
    const search = optim.lbfgs({ maxIterations: 1 });
    const loss = () => model.forward(rows(4)).square().mean();
    for (const change of [() => step(rows(8)), () => search.step(model.parameters(), loss)]) {
      await change();
      expect(await agree()).toBe(true);
      seen.push(await bits(await inference(rows(1))));
    }
    expect(new Set(seen).size).toBe(3);
    await step.close();
  });

  it('is renewed while a trainer trains, at the end of each epoch, and while it has averages in use', async () => {
    const model = mlp();
    const { agree, inference } = both(model);
    const optimizer = optim.sgd({ lr: 0.1, average: 0.5 });
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, workers: 2, shards: 2 });
    const samples = data.fromArrays(new Float32Array(64 * 12).fill(0.5), new Float32Array(64 * 3), {
      inputs: { shape: [12] },
      targets: { shape: [3] },
    });
    const seen = [await bits(await inference(rows(1)))];
    for await (const _ of trainer.fit(samples, { epochs: 3, batchSize: 16 })) {
      seen.push(await bits(await inference(rows(1))));
      expect(await agree()).toBe(true);
    }
    expect(await bits(await inference(rows(1)))).toBe(seen.at(-1));
    await trainer.withAverages(async () => {
      expect(await agree()).toBe(true);
      seen.push(await bits(await inference(rows(1))));
    });
    expect(await bits(await inference(rows(1)))).toBe(seen[3]);
    expect(new Set(seen).size).toBe(5);
  });

  it('is renewed after an update of worker threads, and once more when they have ended', async () => {
    const model = mlp();
    const [weight] = model.parameters() as [nn.Parameter];
    const { agree, inference } = both(model);
    const claim = new Claim('fit');
    claim.take(model.parameters());
    const gate = new Gate();
    await inference(rows(1));
    await claim.share(gate);
    for (let i = 0; i < 2; i++) {
      gate.close(1, () => expect.unreachable());
      weight.storage.data.fill(i);
      gate.open();
      expect(await agree()).toBe(true);
    }
    gate.close(1, () => expect.unreachable());
    weight.storage.data.fill(9);
    claim.release();
    expect(await agree()).toBe(true);
  });

  it('is of one whole step while a trainer trains', async () => {
    const model = new Twins(4096);
    const differs = compile((x: Tensor) => model.difference(x), { inference: true });
    const samples = data.fromArrays(new Float32Array(256 * 4096).fill(0.5), new Float32Array(256), {
      inputs: { shape: [4096] },
      targets: { shape: [1] },
    });
    const trainer = new Trainer(model, {
      loss: nn.mseLoss,
      optimizer: optim.sgd({ lr: 1 }),
      workers: 2,
      shards: 2,
    });
    let over = false;
    const seen: number[] = [];
    const reader = (async () => {
      while (!over) {
        seen.push(await (await differs(tensor([1]))).item());
        await turn();
      }
    })();
    for await (const _ of trainer.fit(samples, { epochs: 2, batchSize: 16 }));
    over = true;
    await reader;
    expect(seen.filter((difference) => difference !== 0)).toEqual([]);
  });

  it('is of one whole file while others are loaded', async () => {
    const [a, b] = [join(folder(), 'a.safetensors'), join(folder(), 'b.safetensors')];
    await mlp(1).save(a);
    await mlp(2).save(b);
    const model = mlp(1);
    const { inference } = both(model);
    const whole = [await bits(await inference(rows(1)))];
    await model.load(b);
    whole.push(await bits(await inference(rows(1))));
    for (let i = 0; i < 12; i++) {
      const loading = model.load(i % 2 ? b : a);
      const during = await Promise.all(Array.from({ length: 3 }, async () => bits(await inference(rows(1)))));
      for (const value of during) expect(whole).toContain(value);
      await loading;
      expect(await bits(await inference(rows(1)))).toBe(whole[i % 2]);
    }
  });

  it('stays while other variables are written, and sees raw writes after refresh()', async () => {
    const model = mlp();
    const other = mlp();
    const path = join(folder(), 'others.safetensors');
    await other.save(path);
    const { inference, agree } = both(model);
    const before = await bits(await inference(rows(1)));
    model.parameters()[0]?.storage.data.fill(0.25);
    await other.load(path);
    expect(await bits(await inference(rows(1)))).toBe(before);
    inference.refresh();
    expect(await agree()).toBe(true);
    expect(await bits(await inference(rows(1)))).not.toBe(before);
  });

  it('is not taken of weights that a step left half done', async () => {
    const model = mlp();
    const path = join(folder(), 'whole.safetensors');
    await model.save(path);
    const { inference, agree } = both(model);
    await inference(rows(1));
    const claim = new Claim('fit');
    claim.take(model.parameters());
    claim.breakUp('a part of a step was made');
    claim.release();
    for (let i = 0; i < 2; i++) {
      expect((await failure(inference(rows(1)))).message).toMatch(
        /^compile: .*weight.* is not to be used: a part/,
      );
    }
    await model.load(path);
    expect(await agree()).toBe(true);
  });

  it('is shared by all shapes, counted, and given back', async () => {
    const model = new nn.Sequential(new nn.Linear(12, 512), new nn.Linear(512, 12)).init(1);
    const parameterBytes = 4 * (2 * 12 * 512 + 512 + 12);
    const { ordinary, inference } = both(model);
    const heldAfter = async (fn: CompiledFunction<[Tensor], Tensor>, count: number) => {
      await fn(rows(count));
      return fn.heldBytes;
    };
    const more = (await heldAfter(inference, 1)) - (await heldAfter(ordinary, 1));
    expect(inference.heldBytes).toBeGreaterThanOrEqual(parameterBytes);
    expect(more).toBeLessThan(parameterBytes + 50_000);
    const moreForTwo = (await heldAfter(inference, 2)) - (await heldAfter(ordinary, 2));
    expect(moreForTwo - more).toBeLessThan(parameterBytes / 2);
    inference.release();
    await turn();
    expect(inference.heldBytes).toBe(0);
    expect(await heldAfter(inference, 1)).toBeGreaterThan(parameterBytes);
    expect(await bits(await inference(rows(3)))).toBe(await bits(await ordinary(rows(3))));
  });

  it('forgets what a shape alone needed when its plan is freed', async () => {
    const weight = new nn.Parameter([12], { init: nn.init.ones });
    const fn = compile((x: Tensor) => x.add(weight.mul(x.shape[0] as number).exp()), {
      inference: true,
      planCache: 1,
    });
    const held = new Set<number>();
    for (let count = 1; count < 6; count++) {
      expect(
        await (await fn(tensor([new Array(12).fill(0)], { shape: [1, 12] }).expand([count, 12])))
          .mean()
          .item(),
      ).toBeCloseTo(Math.exp(count), 3);
      held.add(fn.heldBytes);
    }
    expect(Math.max(...held) - Math.min(...held)).toBeLessThan(8192);
  });
});

describe('errors of a function for inference', () => {
  const normalised = () =>
    new nn.Sequential(new nn.Linear(12, 4), new nn.BatchNorm1d(4), new nn.Dropout(0.5)).init(1);

  it('name a module that is in training, also after it has been switched', async () => {
    const model = normalised();
    const fn = compile((x: Tensor) => model.forward(x), { inference: true });
    const rule =
      /^compile: inference: true needs modules in inference, but BatchNorm1d.* is in training; call model.eval\(\)/;
    expect((await failure(fn(rows(2)))).message).toMatch(rule);
    model.eval();
    const first = await bits(await fn(rows(2)));
    model.train();
    expect((await failure(fn(rows(2)))).message).toMatch(rule);
    model.eval();
    expect(await bits(await fn(rows(2)))).toBe(first);
  });

  it('refuse assignments and optimisers', async () => {
    const model = mlp();
    const [weight] = model.parameters() as [nn.Parameter];
    const assigns = compile(
      (x: Tensor) => {
        assign(weight, weight.add(1));
        return model.forward(x);
      },
      { inference: true },
    );
    const steps = compile(
      (x: Tensor) => {
        const loss = model.forward(x).sum();
        optim.sgd({ lr: 1 }).step(model.parameters(), grad(loss, model.parameters()));
        return loss;
      },
      { inference: true },
    );
    for (const fn of [assigns, steps]) {
      expect((await failure(fn(rows(2)))).message).toMatch(
        /^compile: a function with inference: true must not assign variables/,
      );
    }
  });

  it('leave nothing behind where a budget is too small', async () => {
    const model = mlp();
    const fn = compile((x: Tensor) => model.forward(x), { inference: true, memory: 1000 });
    for (let i = 0; i < 2; i++) {
      expect(await failure(fn(rows(2)))).toMatchObject({ code: 'ERR_CHAINRULE_BUDGET' });
      expect(fn.heldBytes).toBe(0);
    }
  });

  it('are those of the option', () => {
    expect(() => compile((x: Tensor) => x, { inference: 1 as unknown as true })).toThrow(
      /^compile: inference must be true or false/,
    );
  });
});

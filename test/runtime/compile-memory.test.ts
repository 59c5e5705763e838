import { describe, expect, it } from 'vitest';
import { grad } from '#lib/autodiff/grad.js';
import type { Tensor } from '#lib/graph/tensor.js';
import { compile, data, type MemorySize, nn, optim, Trainer, tensor, zeros } from '#lib/index.js';
import { collectGarbage } from '#lib/runtime/collect-garbage.js';
import { LONG } from '../helpers/long.js';

const MB = 1e6;
/** Many times as many as 1 MB holds. */
const SHAPES = LONG ? 2000 : 200;

const ramp = (rows: number) =>
  tensor(
    Float32Array.from({ length: 8 * rows }, (_, i) => Math.sin(i)),
    { shape: [rows, 8] },
  );

const network = () => new nn.Sequential(new nn.Linear(8, 64), new nn.ReLU(), new nn.Linear(64, 3)).init(1);

/** A function that counts how often it is traced. */
const counted = (model: nn.Module) => {
  const traced = { times: 0 };
  const fn = (x: Tensor) => {
    traced.times++;
    return model.forward(x);
  };
  return { fn, traced };
};

describe('the plans of a compiled function', () => {
  it('take no more than their limit, however many shapes come', async () => {
    const { fn, traced } = counted(network());
    const predict = compile(fn, { planCache: '1MB' });
    const first = await (await predict(ramp(1))).data();
    for (let rows = 2; rows <= SHAPES; rows++) {
      await predict(ramp(rows));
      if (rows % 100 === 0) expect(predict.heldBytes).toBeLessThan(2 * MB);
    }
    expect(traced.times).toBe(SHAPES);
    await predict(ramp(SHAPES));
    await predict(ramp(SHAPES - 10));
    expect(traced.times).toBe(SHAPES);
    // Of a shape whose plan was freed long ago.
    expect(await (await predict(ramp(1))).data()).toEqual(first);
    expect(traced.times).toBe(SHAPES + 1);
    predict.release();
  });

  it('hold hundreds of shapes by default', async () => {
    const { fn, traced } = counted(network());
    const predict = compile(fn);
    for (let turn = 0; turn < 2; turn++) {
      for (let rows = 1; rows <= SHAPES; rows++) await predict(ramp(rows));
    }
    expect(traced.times).toBe(SHAPES);
    predict.release();
  });

  it('share one arena, which gives back what no call of late has needed', async () => {
    const wide = compile((x: Tensor) => x.matmul(x.transpose()).matmul(x));
    await wide(ramp(1));
    const least = wide.heldBytes;
    const arenaOf = (rows: number) => 4 * rows * rows;
    for (const rows of [1000, 900, 1100]) await wide(ramp(rows));
    const held = wide.heldBytes;
    expect(held).toBeGreaterThan(least + arenaOf(1100) - 1);
    expect(held).toBeLessThan(least + arenaOf(1100) + 0.5 * MB);
    for (let call = 0; call < 16; call++) await wide(ramp(1));
    expect(wide.heldBytes).toBeLessThan(least + 0.5 * MB);
    const again = await (await wide(ramp(1000))).data();
    const fresh = compile((x: Tensor) => x.matmul(x.transpose()).matmul(x));
    expect(again).toEqual(await (await fresh(ramp(1000))).data());
    wide.release();
    fresh.release();
  });

  it('keep constants that were made for them within the limit, but do not count others', async () => {
    const table = zeros([1]).shape.length + Math.PI;
    const positions = compile(
      (x: Tensor) => x.add(tensor(new Float32Array(x.size).fill(table), { shape: x.shape })),
      { planCache: '10MB' },
    );
    const large = tensor(new Float32Array(5e6).fill(1), { shape: [5e6] });
    const shared = compile((x: Tensor) => x.add(large.slice([[0, x.size]])), { planCache: '10MB' });
    for (let i = 0; i < 40; i++) {
      await positions(new Float32Array(250_000 + i));
      await shared(new Float32Array(1000 + i));
      expect(positions.heldBytes).toBeLessThan(11 * MB);
    }
    expect(positions.heldBytes).toBeGreaterThan(5 * MB);
    expect(shared.heldBytes).toBeLessThan(4 * MB);
    positions.release();
    shared.release();
  });

  it('keep no graph, nor what the caller made it of', async () => {
    const model = network();
    const parameters = model.parameters();
    const optimizer = optim.adam({ lr: 0.01, accumulate: 2 });
    const nodes: WeakRef<Tensor>[] = [];
    const step = compile((x: Tensor) => {
      const hidden = model.forward(x);
      const loss = hidden.square().mean();
      const gradients = grad(loss, parameters);
      nodes.push(...[x, hidden, loss, ...gradients].map((node) => new WeakRef(node)));
      optimizer.step(parameters, gradients);
      return { loss, hidden };
    });
    await step(ramp(3));
    const kept = () => nodes.slice(1).filter((node) => node.deref());
    // References that were read in this turn of the event loop are kept to its end, and what a register or an optimising
    // compilation still holds, a little longer.
    for (let turn = 0; turn < 50 && kept().length > 0; turn++) {
      await new Promise(setImmediate);
      await collectGarbage();
    }
    expect(kept()).toEqual([]);
    const { loss, hidden } = await step(ramp(3));
    expect([loss.shape, hidden.shape, nodes.length]).toEqual([[], [3, 3], 7]);
    step.release();
  });

  it('of combinations of modes are bounded too', async () => {
    const layers = Array.from({ length: 8 }, () => new nn.Dropout(0.5));
    const model = new nn.Sequential(...layers);
    const { fn, traced } = counted(model);
    const predict = compile(fn, { planCache: '400kB' });
    const setModes = (code: number) => {
      layers.forEach((layer, i) => {
        layer.training = Boolean((code >> i) & 1);
      });
    };
    for (let code = 0; code < 256; code++) {
      setModes(code);
      await predict(ramp(2));
      expect(predict.heldBytes).toBeLessThan(0.6 * MB);
    }
    expect(traced.times).toBe(256);
    await predict(ramp(2));
    expect(traced.times).toBe(256);
    setModes(0);
    expect(await (await predict(ramp(2))).data()).toEqual(await ramp(2).data());
    predict.release();
  });

  it('of empty batches, of dtypes, of checked values and within budgets are bounded too', async () => {
    const scaled = (x: Tensor) => x.cast('float32').mul(2);
    const all = [
      compile(scaled, { planCache: 1 }),
      compile(scaled, { planCache: 1, checkFinite: true }),
      compile(scaled, { planCache: 1, memory: '1MB' }),
    ];
    for (const fn of all) {
      for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bool'] as const) {
        for (const rows of [0, 1, 3]) {
          const held = fn.heldBytes;
          const result = await fn(zeros([rows, 2], dtype));
          expect(result.shape).toEqual([rows, 2]);
          if (held > 0) expect(fn.heldBytes).toBeLessThan(40_000);
        }
      }
      fn.release();
    }
  });

  it('of a trainer that predicts are bounded and given back by it, and it works on', async () => {
    let traced = 0;
    class Counting extends nn.Module {
      readonly inner = network();

      forward(x: Tensor): Tensor {
        traced++;
        return this.inner.forward(x);
      }
    }
    const trainerOf = (planCache?: MemorySize) =>
      new Trainer(new Counting(), {
        loss: nn.crossEntropy,
        optimizer: optim.adam({ lr: 0.1 }),
        workers: 1,
        ...(planCache === undefined ? {} : { planCache }),
      });
    /** How often the model is traced for predictions of three shapes, three times over. */
    const tracesOf = async (trainer: Trainer) => {
      const before = traced;
      for (let i = 0; i < 9; i++) await trainer.predict(ramp(1 + (i % 3)));
      return traced - before;
    };
    const [trainer, tight] = [trainerOf(), trainerOf('30kB')];
    expect([await tracesOf(trainer), await tracesOf(tight)]).toEqual([3, 9]);
    const samples = data.fromArrays(
      [...Array(6).keys()].map((i) => Array(8).fill(i)),
      [0, 1, 2, 0, 1, 2],
    );
    for await (const _ of trainer.fit(samples, { batchSize: 3 }));
    const before = await (await trainer.predict(ramp(3))).data();
    trainer.release();
    expect(await tracesOf(trainer)).toBe(3);
    expect(await (await trainer.predict(ramp(3))).data()).toEqual(before);
    trainer[Symbol.dispose]();
    for await (const _ of trainer.fit(samples, { batchSize: 3 }));
    expect(trainer.steps).toBe(4);
  });

  it('of two functions are apart', async () => {
    const model = network();
    const [a, b] = [counted(model), counted(model)];
    const [first, second] = [compile(a.fn), compile(b.fn)];
    await first(ramp(2));
    expect([first.heldBytes > 0, second.heldBytes]).toEqual([true, 0]);
    await second(ramp(2));
    first.release();
    await first(ramp(2));
    await second(ramp(2));
    expect([a.traced.times, b.traced.times]).toEqual([2, 1]);
    first.release();
    second.release();
  });

  it('are given back by release, between calls that are queued, and made again', async () => {
    const { fn, traced } = counted(network());
    const predict = compile(fn, { planCache: 1 });
    const expected = await (await predict(ramp(7))).data();
    const calls = [];
    for (let i = 0; i < 50; i++) {
      calls.push(predict(ramp(7)), predict(ramp(8 + i)));
      if (i % 10 === 0) predict.release();
    }
    const results = await Promise.all(calls);
    for (let i = 0; i < results.length; i += 2) expect(await results[i]?.data()).toEqual(expected);
    expect(traced.times).toBe(100);
    predict.release();
    expect(await (await predict(ramp(7))).data()).toEqual(expected);
    predict.release();
    await predict(ramp(7));
    predict[Symbol.dispose]();
    await new Promise(setImmediate);
    expect(predict.heldBytes).toBe(0);
  });

  it('are refused a limit that is none', () => {
    expect(() => compile(() => zeros([1]), { planCache: 'much' })).toThrow(
      'compile: planCache must be a positive number of bytes',
    );
  });
});

import * as cr from 'chainrule';
import { compile, data, grad, nn, optim, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { hashUniform } from '../helpers/random-graph/random.js';
import { report } from '../helpers/report.js';
import { collect, stepLosses } from '../helpers/training.js';

const ones = (shape: readonly number[]) =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), { shape });

async function run(layer: (x: Tensor) => Tensor, x: Tensor, seed = 1): Promise<number[]> {
  const fn = compile(layer, { seed });
  const values = [...(await (await fn(x)).data())];
  fn.release();
  return values;
}

/** True if a share that was drawn `count` times is within five standard deviations of `p`. */
function expectShare(found: number, p: number, count: number): void {
  expect(Math.abs(found / count - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count));
}

const shapes: [string, (p: number) => nn.Module, (x: Tensor, p: number) => Tensor, number[], number][] = [
  ['Dropout1d', (p) => new nn.Dropout1d(p), cr.channelDropout, [300, 3, 40], 300 * 40],
  ['Dropout2d', (p) => new nn.Dropout2d(p), cr.channelDropout, [100, 2, 3, 60], 100 * 60],
  ['DropPath', (p) => new nn.DropPath(p), cr.dropPath, [5000, 2, 3], 5000],
];

describe.each(shapes)('%s', (name, create, fn, shape, masks) => {
  const [samples, channels] = [shape[0] as number, name === 'DropPath' ? 1 : (shape.at(-1) as number)];
  const x = ones(shape);

  it.each([0.2, 0.5])('with p = %d drops whole parts, in their share, and scales the others', async (p) => {
    const values = await run((y) => create(p).forward(y), x);
    expect(new Set(values.map((value) => Math.fround(value)))).toEqual(
      new Set([0, Math.fround(1 / (1 - p))]),
    );
    const inner = values.length / samples;
    const firsts: boolean[] = [];
    values.forEach((value, i) => {
      const place = Math.floor(i / inner) * channels + (channels === 1 ? 0 : i % channels);
      firsts[place] ??= value === 0;
      if (firsts[place] !== (value === 0)) throw new Error(`element ${i} has a mask of its own`);
    });
    expect(firsts.length).toBe(masks);
    expectShare(firsts.filter(Boolean).length, p, masks);
  });

  it('is drawn anew for other seeds alone, and is the identity in inference', async () => {
    const layer = create(0.5);
    const first = await run((y) => layer.forward(y), x);
    expect(await run((y) => fn(y, 0.5), x)).toEqual(first);
    expect(await run((y) => layer.forward(y), x, 2)).not.toEqual(first);
    expect(layer.eval().forward(x)).toBe(x);
    expect(create(0).forward(x)).toBe(x);
  });

  it('masks the gradient as the value', async () => {
    const fnOf = compile((y: Tensor) => {
      const output = create(0.3).forward(y);
      return [output, ...grad(output.sum(), [y])];
    });
    const [output, slope] = await Promise.all((await fnOf(x)).map((y) => y.data()));
    fnOf.release();
    expect(slope).toEqual(output);
    report(fn.name, 'gradient', 0);
  });
});

describe('alphaDropout', () => {
  it('keeps the mean and the variance of standard normal values', async () => {
    const count = 100_000;
    const values = await run((x) => cr.alphaDropout(x, 0.3), await normalValues(count));
    const mean = values.reduce((a, b) => a + b) / count;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(3 / count));
  });

  it('sets its share of elements to one value, which SELU nears far to the left', async () => {
    const p = 0.4;
    const limit = -1.0507009873554805 * 1.6732632423543772;
    const scale = ((1 - p) * (1 + p * limit ** 2)) ** -0.5;
    const values = await run((x) => new nn.AlphaDropout(p).forward(x), ones([400, 50]));
    const dropped = values.filter((value) => value < 0);
    expectShare(dropped.length, p, 20_000);
    const expected = scale * limit - scale * p * limit;
    expectClose('dropped', dropped, new Array<number>(dropped.length).fill(expected), { relative: 1e-6 });
    const kept = values.filter((value) => value >= 0);
    expectClose('kept', kept, new Array<number>(kept.length).fill(scale * (1 - p * limit)), {
      relative: 1e-6,
    });
  });

  it('has its scale as the gradient of what it keeps, and 0 of the rest', async () => {
    const fn = compile((y: Tensor) => {
      const output = cr.alphaDropout(y, 0.4);
      return [output, ...grad(output.sum(), [y])];
    });
    const [output, slope] = await Promise.all((await fn(ones([40, 5]))).map((y) => y.data()));
    fn.release();
    const kept = Math.max(...(slope as Float32Array));
    expect(kept).toBeCloseTo((0.6 * (1 + 0.4 * 1.7580993408473766 ** 2)) ** -0.5, 6);
    expect([...(slope as Float32Array)]).toEqual(
      [...(output as Float32Array)].map((y) => (y < 0 ? 0 : kept)),
    );
    report('alphaDropout', 'gradient', 0);
  });

  it('is the identity in inference and for p = 0', () => {
    const x = ones([3]);
    expect(new nn.AlphaDropout(0.5).eval().forward(x)).toBe(x);
    expect(cr.alphaDropout(x, 0)).toBe(x);
  });
});

async function normalValues(count: number): Promise<Tensor> {
  const value = cr.normal([count], 'float32', [11, 12]);
  return tensor(await value.data(), { shape: [count] });
}

describe('masks of channels and samples', () => {
  const train = data.fromArrays(
    Float32Array.from(hashUniform(60 * 8, 1, -1, 1)),
    Int32Array.from(hashUniform(60, 2), (u) => Math.floor(u * 3)),
    { inputs: { shape: [4, 2] } },
  );
  it('do not depend on how rows are split among workers', async () => {
    const losses = async (workers: number) => {
      const model = new nn.Sequential(
        new nn.Linear(2, 6),
        new nn.Dropout1d(0.5),
        new nn.DropPath(0.2),
        new nn.Flatten(),
        new nn.Linear(24, 3),
      );
      const trainer = new Trainer(model, {
        loss: nn.crossEntropy,
        optimizer: optim.sgd({ lr: 0.1 }),
        workers,
        shards: workers,
        seed: 7,
      });
      return stepLosses(await collect(trainer.fit(train, { batchSize: 13, epochs: 2 })));
    };
    const alone = await losses(1);
    expectClose('losses of two workers', await losses(2), alone, { relative: 1e-5 });
    expectClose('losses of three workers', await losses(3), alone, { relative: 1e-5 });
  });
});

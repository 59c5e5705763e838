import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  assign,
  compile,
  data,
  dataParallel,
  grad,
  io,
  nn,
  optim,
  type Tensor,
  Trainer,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { context, guarded } from '../helpers/addon-plans.js';
import { useFolder } from '../helpers/folder.js';
import { collect, noise } from '../helpers/training.js';

/** What the program computes on an instruction set, with subnormal numbers flushed or kept. */
function computed(isa: string, mode: string): Record<string, string[]> {
  const program = fileURLToPath(
    new URL('../helpers/programs/instruction-sets/subnormals.mjs', import.meta.url),
  );
  const env = { ...process.env, CHAINRULE_ISA: isa, CHAINRULE_SUBNORMALS: mode };
  return JSON.parse(execFileSync(process.execPath, [program], { env, encoding: 'utf8' }));
}

/** Fails if arithmetic of JavaScript on this thread loses a subnormal number. */
function requireSubnormals(): void {
  // From arrays, since the compiler may compute with constants.
  expect(Float64Array.of(2 ** -1022).map((x) => x / 2)[0]).toBe(2 ** -1023);
  expect(Float64Array.of(2 ** -1074).map((x) => x * 2)[0]).toBe(2 ** -1073);
}

const without = {
  'a remainder by one': 'NaN',
  'a quotient that is rounded down': 'NaN',
  'a logarithm': '-Infinity',
};

const folder = useFolder();

describe('subnormal numbers', () => {
  it.each(addon().isas())('are zero to every kernel by default, on %s', (isa) => {
    const found = computed(isa, '');
    expect(Object.keys(found)).toHaveLength(34);
    const expected = Object.keys(found).map((name) => {
      const kind = name.replace(/^float..: /, '') as keyof typeof without;
      return [name, [without[kind] ?? '0']];
    });
    expect(found).toEqual(Object.fromEntries(expected));
  });

  it('are numbers to every kernel where CHAINRULE_SUBNORMALS is "keep"', () => {
    const isa = addon().isa();
    const found = computed(isa, 'keep');
    for (const [name, values] of Object.entries(found)) {
      expect([name, values.map(Number).every((value) => Number.isFinite(value))]).toEqual([name, true]);
      if (!name.endsWith('a remainder by one')) expect([name, values]).not.toEqual([name, ['0']]);
    }
    expect(found['float32: a power']).toEqual([String(Math.fround((2 ** -128) ** 0.5))]);
  });

  it('are flushed or kept, and nothing else', () => {
    expect(() => computed(addon().isa(), 'drop')).toThrow(
      "CHAINRULE_SUBNORMALS: must be one of flush, keep, got 'drop'",
    );
    expect(addon().subnormals()).toBe('flush');
  });
});

describe('a parameter that halves at every step', () => {
  /** The first input is always 0, so that its weights have no gradient and only decay. */
  const samples = data.fromArrays(
    Float32Array.from({ length: 2 * 64 }, (_, i) => (i % 2 === 0 ? 0 : (i % 7) / 7)),
    Float32Array.from({ length: 64 }, (_, i) => i % 3),
    { inputs: { shape: [2] }, targets: { shape: [1] } },
  );
  const made = () => new nn.Linear(2, 1).init(1);
  const halving = () => optim.sgd({ lr: 0.5, weightDecay: 1 });
  const requireNormal = (model: nn.Module) => {
    const values = model.parameters().flatMap((x) => [...x.storage.data]);
    for (const value of values) expect(value === 0 || Math.abs(Number(value)) >= 2 ** -126).toBe(true);
  };

  it.each([1, 2])('never becomes subnormal on %i workers, nor in a loop of one’s own', async (workers) => {
    const model = made();
    const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer: halving(), workers, shards: 2 });
    await collect(trainer.fit(samples, { epochs: 100, batchSize: 32 }));
    requireNormal(model);

    const other = made();
    const optimizer = halving();
    const step = dataParallel(
      (x, y) => {
        const loss = nn.mseLoss(other.forward(x), y);
        optimizer.step(other.parameters(), grad(loss, other.parameters()));
        return loss;
      },
      { workers, shards: 2 },
    );
    for (let i = 0; i < 200; i++)
      await step(
        [
          [0, 1],
          [0, 0.5],
        ],
        [[1], [2]],
      );
    await step.close();
    requireNormal(other);
  });

  it('never becomes subnormal in a compiled function, on whichever thread it runs', async () => {
    const model = made();
    const optimizer = halving();
    const step = compile((x, y) => {
      const loss = nn.mseLoss(model.forward(x), y);
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    });
    // The first calls run on a thread of the pool, and the others on this one, which is quicker.
    for (let i = 0; i < 300; i++)
      await step(
        [
          [0, 1],
          [0, 0.5],
        ],
        [[1], [2]],
      );
    requireNormal(model);
    requireSubnormals();
  });

  it.each([1, 2])('leaves no subnormal moments of Adam, on %i workers', async (workers) => {
    const model = new nn.Embedding(40, 8);
    const loss = (x: Tensor, y: Tensor) => x.sub(y).square().mean();
    const optimizer = optim.adam({ lr: 0.01, betas: [0.5, 0.5], average: 0.5 });
    const trainer = new Trainer(model, { loss, optimizer, workers, shards: 2 });
    const words = (among: number) => {
      const shapes = { inputs: { shape: [1] }, targets: { shape: [1, 8] } };
      return data.fromArrays(
        Int32Array.from({ length: 80 }, (_, i) => i % among),
        noise(640, 1),
        shapes,
      );
    };
    await collect(trainer.fit(words(40), { batchSize: 40 }));
    const dir = folder();
    const checkpoint = { dir, everySteps: 1000 };
    await collect(trainer.fit(words(3), { epochs: 70, batchSize: 40, checkpoint }));
    const { tensors } = await io.readSafetensors(join(dir, readdirSync(dir)[0] as string));
    const kept = Object.entries(tensors).filter(([name]) => /training.(optimizer|average)/.test(name));
    expect(kept.map(([name]) => name)).toHaveLength(3);
    for (const [, { data: values }] of kept) {
      for (const value of values) expect(value === 0 || Math.abs(Number(value)) >= 2 ** -126).toBe(true);
    }
  });

  it('has the same bits on every thread', async () => {
    const state = tensor(Float32Array.of(2 ** -125, 2 ** -126, -(2 ** -126)));
    const { weight } = new nn.Linear(1, 3).init(1);
    const halve = compile(() => {
      const half = weight.mul(0.5);
      assign(weight, half);
      return half;
    });
    weight.storage.data.set(await state.data());
    expect([...(await (await halve()).data())]).toEqual([2 ** -126, 0, -0]);
    const parallel = dataParallel((x) => x.mul(0.5), { workers: 1 });
    expect([...(await (await parallel(state)).data())]).toEqual([2 ** -126, 0, -0]);
    await parallel.close();
  });
});

describe('JavaScript keeps its subnormal numbers', () => {
  it('after plans on this thread, whether they succeed or throw', () => {
    const handle = addon().createPlan(guarded(1));
    const output = new Int32Array(1);
    addon().run(handle, [Int32Array.of(1), output], context);
    requireSubnormals();
    expect(() => addon().run(handle, [Int32Array.of(-1), output], context)).toThrow('outside 0..9');
    requireSubnormals();
    expect(() =>
      addon().runTimed(handle, [Int32Array.of(-1), output], context, new Float64Array(1)),
    ).toThrow();
    requireSubnormals();
  });

  it('after sums, which flush them', () => {
    const output = new Float32Array(2);
    const add = addon().constants.sums.add;
    const sources = [Float32Array.of(2 ** -126, 2 ** -130), Float32Array.of(-(2 ** -127), 2 ** -130)];
    addon().combine(output, sources, Int32Array.of(0, 1, add), Float64Array.of(0, 2));
    expect([...output]).toEqual([2 ** -126, 0]);
    requireSubnormals();
  });
});

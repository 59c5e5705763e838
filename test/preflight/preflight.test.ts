import { data, formatPlan, type MemoryPlan, nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { drawCurve } from '#lib/preflight/curve-picture.js';
import { arenaLimit, planPage } from '#lib/preflight/page.js';
import { formatBytes } from '#lib/runtime/memory-size.js';
import { images, mlp, Net, parametersOf, points } from '../helpers/training.js';

const trainerOf = (model: nn.Module, optimizer = optim.adam(), workers = 2) =>
  new Trainer(model, { loss: nn.crossEntropy, optimizer, workers, shards: workers, seed: 1 });

/** Twelve layers whose activations take more than all else. */
const deep = () =>
  new nn.Sequential(
    ...Array.from({ length: 12 }, () => [new nn.Linear(16, 16), new nn.Tanh()]).flat(),
    new nn.Linear(16, 3),
  );
const rows = points(1024, { features: 16 });

function tightPlan(): MemoryPlan {
  const trainer = trainerOf(deep());
  const { curve } = trainer.plan(rows, { batchSize: 1024 });
  const least = Math.min(...curve.map(({ bytes }) => bytes));
  const memory = Math.ceil((least + (curve[0]?.bytes ?? 0)) / 2);
  return trainer.plan(rows, { batchSize: 1024, memory });
}

describe('a plan as text', () => {
  it('tells the memory by what it is for, and the work', () => {
    const plan = trainerOf(new Net()).plan(images(40), { batchSize: 16 });
    const text = formatPlan(plan);
    const { shared, worker, perWorkers, peak } = plan;
    expect(text).toContain('for batches of 16 samples in 2 shards on 2 workers.');
    const lines = [
      ['parameters and buffers', shared.parameters],
      ['gradients', shared.gradients],
      ['state of the optimiser', shared.optimizer],
      ['inputs', worker.inputs],
      ['peak', peak],
      ['activations kept for the backward pass', worker.kept],
    ] as const;
    for (const [name, bytes] of lines) {
      expect(text).toMatch(new RegExp(`^${name} +${formatBytes(bytes)}$`, 'm'));
    }
    expect(text).toMatch(
      new RegExp(`^all 2 workers +${formatBytes(worker.total)} +${formatBytes(perWorkers)}$`, 'm'),
    );
    expect(text).toMatch(/^floating-point operations +[\d.]+ kFLOP$/m);
    expect(text).toMatch(/^of them to compute values again +nothing$/m);
    expect(text).toMatch(/^steps of an epoch +3$/m);
    expect(text).not.toMatch(/^time/m);
  });

  it('says what a budget makes it compute again, and what others would', () => {
    const plan = tightPlan();
    const { budget, recomputedFlops, flops, curve } = plan;
    const text = formatPlan(plan);
    expect(recomputedFlops).toBeGreaterThan(0);
    expect(text).toContain(`, within a budget of ${formatBytes(budget?.bytes ?? 0)}, `);
    const share = (100 * recomputedFlops) / (flops - recomputedFlops);
    expect(text).toMatch(
      new RegExp(`^of them to compute values again .* \\(\\+${share.toFixed(1)} %\\)$`, 'm'),
    );
    const table = text.slice(text.indexOf('What other budgets would cost')).split('\n').slice(2);
    expect(table).toHaveLength(curve.length);
    expect(table[0]).toMatch(/ \+0\.0 %$/);
    curve.forEach(({ bytes, arena }, i) => {
      expect(table[i]).toMatch(new RegExp(`^${formatBytes(bytes)} +${formatBytes(arena)} +`));
    });
  });

  it('tells the time of a step and of an epoch, where that was measured', () => {
    const plan = trainerOf(mlp()).plan(points(24), { batchSize: 8 });
    const pace = { milliseconds: 200, examplesPerSecond: 40, epochSeconds: 9000, steps: 6 };
    const text = formatPlan({ ...plan, flops: 4e9 }, pace);
    expect(text).toMatch(/^time +200 ms$/m);
    expect(text).toMatch(/^operations in a second +20 GFLOP$/m);
    expect(text).toMatch(/^time of an epoch of 3 steps +2 h 30 min$/m);
    expect(text).toMatch(/^steps that were timed +6$/m);
    expect(formatPlan(plan, { ...pace, epochSeconds: 1.234 })).toMatch(/^time of an epoch .* 1\.23 s$/m);
  });
});

describe('the pace of training', () => {
  it('is measured, for a step and for an epoch', async () => {
    const pace = await trainerOf(mlp()).pace(points(20), { batchSize: 8 });
    expect(pace.milliseconds).toBeGreaterThan(0);
    expect(pace.steps).toBeGreaterThan(0);
    expect(pace.examplesPerSecond).toBeCloseTo(8000 / pace.milliseconds, 6);
    expect(pace.epochSeconds).toBeCloseTo(((20 / 8) * pace.milliseconds) / 1000, 9);
  });

  it('leaves the model, the optimiser and the trainer as they were', async () => {
    const train = async (measured: boolean) => {
      const model = new nn.Sequential(new nn.Linear(6, 8), new nn.BatchNorm1d(8), new nn.Linear(8, 3));
      const trainer = trainerOf(model, optim.adamW({ clipNorm: 0.1, accumulate: 2, average: 0.9 }));
      const state = () => [
        ...parametersOf(model),
        ...model.namedBuffers().flatMap(([, buffer]) => [...buffer.storage.data]),
      ];
      for await (const _ of trainer.fit(points(24), { batchSize: 8 }));
      if (measured) await trainer.pace(points(24), { batchSize: 8 });
      expect(trainer.steps).toBe(3);
      for await (const _ of trainer.fit(points(24), { batchSize: 8 }));
      return [state(), await trainer.withAverages(state)];
    };
    expect(await train(true)).toEqual(await train(false));
  });

  it('is known of data that are fewer than a batch, and of losses that are not finite', async () => {
    const { milliseconds } = await trainerOf(mlp()).pace(points(5), { batchSize: 32 });
    expect(milliseconds).toBeGreaterThan(0);
    const broken = data.fromArrays(new Float32Array(48).fill(Number.NaN), new Int32Array(8), {
      inputs: { shape: [6] },
    });
    expect((await trainerOf(mlp()).pace(broken, { batchSize: 4 })).milliseconds).toBeGreaterThan(0);
  });

  it('is refused as fit would refuse it', async () => {
    const trainer = trainerOf(mlp());
    await expect(trainer.pace([] as never)).rejects.toThrow('pace: data must be a Dataset');
    await expect(trainer.pace(points(8), { batchSize: 0 })).rejects.toThrow('pace: batchSize');
    await expect(trainer.pace(points(8), { memory: '1kB' })).rejects.toThrow('memory must be at least');
    await expect(trainer.pace(points(8), { memory: 'much' })).rejects.toThrow('pace: memory must be');
    const first = trainer.pace(points(8));
    await expect(trainer.pace(points(8))).rejects.toThrow('pace: the trainer is busy');
    await first;
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(trainer.pace(points(8), { signal })).rejects.toThrow('enough');
  });
});

describe('the page of a plan', () => {
  it('shows both plans, the budget of an arena, and the figures, and needs no other file', () => {
    const plan = tightPlan();
    const page = planPage('a <b> & c', plan);
    expect(page).toContain('<h1>Before training a &lt;b&gt; &amp; c</h1>');
    expect(page).toContain('>Without a budget<');
    expect(page).toContain('>Within the budget<');
    expect(page).toContain(`budget of an arena: ${formatBytes(arenaLimit(plan) as number)}`);
    expect(page).toMatch(/class="block recomputed"|class="recomputed" d="M/);
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|@import/);
    expect(page.match(/<circle class="point"/g)).toHaveLength(plan.curve.length);
  });

  it('counts in the budget of an arena what is left of that of the training', () => {
    const plan = tightPlan();
    const { worker, peak, budget, workers } = plan;
    const limit = arenaLimit(plan) as number;
    expect(limit).toBeGreaterThanOrEqual(worker.arena);
    expect(peak + (limit - worker.arena) * workers).toBeCloseTo(budget?.bytes ?? 0, 3);
    expect(arenaLimit(trainerOf(mlp()).plan(points(8)))).toBeUndefined();
  });

  it('draws what budgets cost: less memory to the left, more operations above', () => {
    const plan = tightPlan();
    const svg = drawCurve(plan);
    const points = [...svg.matchAll(/class="point" cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const [first, last] = [plan.curve[0], plan.curve.at(-1)];
    const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = []] = [points[0], points.at(-1)];
    expect((x1 - 64) / (x0 - 64)).toBeCloseTo((last?.bytes ?? 0) / (first?.bytes ?? 0), 2);
    expect(y1).toBeLessThan(y0);
  });
});

import { data, formatHealth, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import {
  clickLoss,
  inputs,
  LR,
  losses,
  type Options,
  Recommender,
  ROWS,
  rows,
  samples,
  targets,
  train,
  trainerOf,
} from '../../helpers/models/recommender.js';
import { hashOf } from '../../helpers/runs.js';
import { collect, parametersOf } from '../../helpers/training.js';

const weights = Float32Array.from(rows, (row) => row % 3);

describe('what a trainer does of several inputs and outputs', () => {
  it('plans, profiles, paces and inspects', async () => {
    const trainer = trainerOf({ workers: 2 });
    const weighted = samples({ weights });
    const plan = trainer.plan(weighted, { batchSize: 4 });
    // The columns of a batch: int32, int32, float64; float64, int32; float32; rounded up to whole cache lines each.
    const bytes = 4 * (4 + 4 + 8 + 8 + 4 + 4);
    expect(plan.worker.inputs).toBeGreaterThanOrEqual(bytes);
    expect(plan.worker.inputs).toBeLessThan(bytes + 6 * 64 + 64);
    expect(plan.steps).toBe(3);
    expect(trainer.maxBatch(weighted, { memory: '1GB' })).toBe(ROWS);
    const tight = trainer.plan(weighted, { batchSize: 11 }).peak;
    expect(trainer.maxBatch(weighted, { memory: tight })).toBe(ROWS);
    expect((await trainer.pace(weighted, { batchSize: 4 })).steps).toBeGreaterThan(0);
    const { layers } = await trainer.profile(weighted, { batchSize: 4, steps: 2 });
    expect(layers.map(({ layer }) => layer)).toEqual(
      expect.arrayContaining(['users', 'items', 'head', '(loss)']),
    );
    const report = await trainer.inspect(weighted);
    expect(report.layers.map(({ path }) => path)).toEqual(['users', 'items', 'head']);
    expectClose('loss', [report.loss], [(await trainer.evaluate(weighted)).loss ?? 0], { relative: 1e-12 });
    expect(formatHealth(report)).toContain('head');
  });

  it('trains within a budget of memory to the same bits', async () => {
    const free = await train({ data: samples({ weights }) });
    const { peak } = trainerOf().plan(samples({ weights }), { batchSize: 4 });
    const bound = await train({ data: samples({ weights }), memory: peak });
    expect(hashOf(bound.trainer.model)).toBe(hashOf(free.trainer.model));
    await expect(train({ data: samples({ weights }), memory: 1000 })).rejects.toThrow(
      'fit: memory must be at least',
    );
  });

  it('clips, accumulates, averages and leaves out the last batch in the same way on any workers', async () => {
    const makes: (() => Partial<Options>)[] = [
      () => ({ optimizer: optim.adamW({ lr: LR, clipNorm: 0.1, accumulate: 2 }) }),
      () => ({ optimizer: optim.sgd({ lr: LR, momentum: 0.9, clipNorm: 1, average: 0.5 }) }),
    ];
    for (const make of makes) {
      const fit = { dropLast: true, validation: samples({ weights }), epochs: 3 };
      const one = await train({ ...make(), shards: 3, data: samples({ weights }), fit });
      const two = await train({ ...make(), shards: 3, workers: 2, data: samples({ weights }), fit });
      expect(hashOf(two.trainer.model)).toBe(hashOf(one.trainer.model));
      expect(one.losses).toHaveLength(6);
      expect(two.results.map(({ validation }) => validation)).toEqual(
        one.results.map(({ validation }) => validation),
      );
    }
  });

  it('trains modules beside the model, which a loss uses', async () => {
    class Scale extends nn.Module {
      scale = new nn.Parameter([], { init: nn.init.ones, dtype: 'float64' });
      forward(x: Tensor): Tensor {
        return x.mul(this.scale);
      }
    }
    const scale = new Scale();
    const scaled: Options['loss'] = {
      rating: (output, target) => nn.mseLoss(scale.forward(output), target),
      click: clickLoss,
    };
    const { trainer } = await train({ loss: scaled, extraModules: [scale], shards: 2 });
    expect(Number(scale.scale.storage.data[0])).not.toBe(1);
    expect(Object.keys(await trainer.predict(inputs))).toEqual(['rating', 'click']);
    await expect(train({ loss: scaled })).rejects.toThrow(
      'Trainer: the loss depends on parameters that the model does not hold',
    );
  });

  it('trains one output alone, and tells what is untrained', async () => {
    const model = new (class extends Recommender {
      spare = new nn.Linear(1, 1, { dtype: 'float64' });
    })();
    const trainer = new Trainer(model, {
      loss: { rating: nn.mseLoss },
      optimizer: optim.sgd({ lr: LR }),
      workers: 1,
    });
    const one = data.fromArrays(inputs, { rating: targets.rating });
    expect(trainer.plan(one).untrained).toEqual(['spare.weight', 'spare.bias']);
    const before = parametersOf(model.spare);
    await collect(trainer.fit(one));
    expect(parametersOf(model.spare)).toEqual(before);
  });

  it('reports losses in training and validation by name', async () => {
    const { results } = await train({ loss: losses, fit: { validation: samples() } });
    expect(Object.keys(results[0]?.validation ?? {})).toEqual([
      'loss',
      'rating.loss',
      'click.loss',
      'click.accuracy',
    ]);
    expect(results[0]?.loss).toBeGreaterThan(0);
  });
});

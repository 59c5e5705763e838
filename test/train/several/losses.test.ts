import { data, nn, optim, type Tensor, Trainer, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../../helpers/close.js';
import {
  batchesOfFour,
  clickLoss,
  inputs,
  LR,
  losses,
  type Options,
  type Outputs,
  Recommender,
  rows,
  samples,
  stepsByHand,
  targets,
  train,
  trainerOf,
  type WholeLoss,
} from '../../helpers/models/recommender.js';
import { hashOf } from '../../helpers/runs.js';

const precise = { relative: 1e-12 };

/** The mean over the counted clicks, 0 if there is none; `nn.crossEntropy` is compared with PyTorch elsewhere. */
const meanOfClicks = (click: Tensor, labels: Tensor): Tensor => {
  const counted = labels.ge(0).to('float64');
  const each = nn.logSoftmax(click).neg().takeAlong(labels.maximum(0).unsqueeze(-1), -1).squeeze(-1);
  return each.mul(counted).sum().div(counted.sum().maximum(1));
};

type Sum = { readonly sum: Tensor };

interface Case {
  readonly name: string;
  readonly options: Partial<Options>;
  readonly byHand: WholeLoss;
  /** What each step weighs in an epoch, if it is not its rows. */
  readonly stepWeights?: readonly number[];
}
const cases: Case[] = [
  {
    name: 'a mean and a ratio',
    options: {},
    byHand: (output, target) =>
      nn.mseLoss(output.rating, target.rating).add(meanOfClicks(output.click, target.click)),
  },
  {
    name: 'factors',
    options: { lossWeights: { rating: 0.25, click: -2 } },
    byHand: (output, target) =>
      nn.mseLoss(output.rating, target.rating).mul(0.25).sub(meanOfClicks(output.click, target.click).mul(2)),
  },
  {
    name: 'one loss of several outputs, with a factor',
    options: {
      loss: { click: clickLoss },
      lossWeights: { click: 3 },
      metrics: { gap: (o, t) => nn.maeLoss(o.rating, t.rating) },
    },
    byHand: (output, target) => meanOfClicks(output.click, target.click).mul(3),
    // One loss alone knows how many labels it counts.
    stepWeights: [3, 3, 0],
  },
  {
    name: 'a total and a ratio',
    options: {
      loss: { rating: nn.mseLoss.with({ reduction: 'sum' }), click: clickLoss },
      lossWeights: { rating: 0.1 },
    },
    byHand: (output, target) =>
      output.rating.sub(target.rating).square().sum().mul(0.1).add(meanOfClicks(output.click, target.click)),
  },
  {
    name: 'sums of a function and a mean of another',
    options: {
      loss: {
        rating: (output: Tensor, target: Tensor) => ({
          sum: output.sub(target).abs().mul(target.gt(0).to('float64')).sum(),
          weight: target.gt(0).to('float32').sum(),
        }),
        click: (output: Tensor, labels: Tensor) => nn.multiMarginLoss(output, labels.maximum(0)),
      },
    },
    byHand: (output, target) => {
      const counted = target.rating.gt(0).to('float64');
      const gaps = output.rating.sub(target.rating).abs().mul(counted).sum();
      return gaps
        .div(counted.sum().maximum(1))
        .add(nn.multiMarginLoss(output.click, target.click.maximum(0)));
    },
  },
];

describe('steps of several losses', () => {
  it.each(cases)(
    'of $name are those of one function of the whole batch, in any number of shards',
    async (one) => {
      const expected = await stepsByHand(one.byHand, batchesOfFour);
      const { stepWeights = [4, 4, 3] } = one;
      const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b);
      const epoch =
        sum(stepWeights.map((weight, i) => weight * (expected.losses[i] as number))) / sum(stepWeights);
      for (const shards of [1, 2, 3, 8]) {
        const found = await train({ ...one.options, shards });
        expectClose(`losses in ${shards}`, found.losses, expected.losses, precise);
        expectClose(`parameters in ${shards}`, found.parameters, expected.parameters, precise);
        expectClose(`epoch in ${shards}`, [found.results[0]?.loss ?? 0], [epoch], precise);
      }
    },
  );

  it('have the same bits on any number of workers', async () => {
    const options = { lossWeights: { click: 0.3 }, optimizer: optim.adamW({ lr: LR, clipNorm: 0.5 }) };
    const [one, ...others] = await Promise.all(
      [1, 2, 3].map((workers) => train({ ...options, shards: 5, workers, fit: { shuffle: true } })),
    );
    for (const { trainer, losses: found } of others) {
      expect(hashOf(trainer.model)).toBe(hashOf((one as (typeof others)[number]).trainer.model));
      expect(found).toEqual(one?.losses);
    }
  });

  it('count nothing where no label counts, and are no NaN', async () => {
    const clicks = Int32Array.from({ length: rows.length }, () => -1);
    const none = data.fromArrays(inputs, { ...targets, click: clicks });
    const expected = await stepsByHand((o, t) => nn.mseLoss(o.rating, t.rating), batchesOfFour);
    const found = await train({ data: none, shards: 3, fit: { validation: none } });
    expectClose('losses', found.losses, expected.losses, precise);
    expectClose('parameters', found.parameters, expected.parameters, precise);
    const { validation } = found.results[0] ?? {};
    expect(validation).toMatchObject({ 'click.loss': Number.NaN, 'click.accuracy': Number.NaN });
    expect(validation?.loss).toBe(validation?.['rating.loss']);
  });

  it('that are accumulated count by the rows of each step', async () => {
    const byHand = cases[0]?.byHand as WholeLoss;
    const whole: WholeLoss = (output, target, weight) => {
      const parts = [
        [0, 4],
        [4, 8],
        [8, 11],
      ].map(([start = 0, end = 0]) => {
        const of = (tensors: Outputs): Outputs => ({
          rating: tensors.rating.slice([[start, end]]),
          click: tensors.click.slice([[start, end]]),
        });
        return byHand(of(output), of(target), weight).mul((end - start) / 11);
      });
      return parts.reduce((sum, part) => sum.add(part));
    };
    const expected = await stepsByHand(whole, [rows, rows]);
    for (const shards of [1, 3]) {
      const optimizer = optim.sgd({ lr: LR, accumulate: 3 });
      const found = await train({ optimizer, shards, workers: 2 });
      expectClose('parameters', found.parameters, expected.parameters, precise);
    }
  });

  it('of a list are those of a record', async () => {
    class Listed extends nn.Module<[Tensor, Tensor, Tensor], [Tensor, Tensor]> {
      readonly #model = new Recommender();
      users = this.#model.users;
      items = this.#model.items;
      head = this.#model.head;
      forward(user: Tensor, item: Tensor, price: Tensor): [Tensor, Tensor] {
        const { rating, click } = this.#model.forward({ user, item, price });
        return [rating, click];
      }
    }
    const listed = data.fromArrays(Object.values(inputs), Object.values(targets), {
      inputs: [{}, {}, {}],
      targets: [{}, {}],
    });
    const expected = await train({ lossWeights: { click: 0.5 } });
    const model = new Listed();
    const options = { optimizer: optim.sgd({ lr: LR }), workers: 2, shards: 3, seed: 3 };
    const trainer = new Trainer(model, {
      ...options,
      loss: [nn.mseLoss, clickLoss],
      lossWeights: [1, 0.5],
      metrics: { 1: { accuracy: nn.accuracy.with({ ignoreIndex: -1 }) } },
    });
    for await (const epoch of trainer.fit(listed, {
      batchSize: 4,
      epochs: 2,
      shuffle: false,
      validation: listed,
    })) {
      expectClose('loss', [epoch.loss], [expected.results[epoch.epoch - 1]?.loss ?? 0], precise);
      expect(Object.keys(epoch.validation ?? {})).toEqual(['loss', '0.loss', '1.loss', '1.accuracy']);
    }
    const [one, two] = await trainer.predict(inputs.user, inputs.item, inputs.price);
    const record = await expected.trainer.predict(inputs);
    expectClose('first output', await one.data(), await record.rating.data(), precise);
    expectClose('second output', await two.data(), await record.click.data(), precise);
  });
});

describe('figures of several outputs', () => {
  it('are those of the whole data set, at any batch size', async () => {
    const trainer = trainerOf({ lossWeights: { click: 2 } });
    const { rating, click } = await trainer.predict(inputs);
    const [ratings, logits] = [[...(await rating.data())], [...(await click.data())]];
    const gaps = ratings.map((value, i) => value - (targets.rating[i] as number));
    const counted = rows.filter((i) => (targets.click[i] as number) >= 0);
    const logShares = (i: number) => {
      const row = logits.slice(3 * i, 3 * i + 3);
      const sum = row.reduce((total, value) => total + Math.exp(value), 0);
      return row.map((value) => value - Math.log(sum));
    };
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const ratingLoss = mean(gaps.map((gap) => gap ** 2));
    const clickLoss = mean(counted.map((i) => -(logShares(i)[targets.click[i] as number] as number)));
    const hits = counted.map((i) =>
      Number(logShares(i).indexOf(Math.max(...logShares(i))) === targets.click[i]),
    );
    for (const batchSize of [1, 3, 11, 64]) {
      const figures = await trainer.evaluate(samples(), { batchSize });
      expect(Object.keys(figures)).toEqual(['loss', 'rating.loss', 'click.loss', 'click.accuracy']);
      expectClose(
        `batches of ${batchSize}`,
        Object.values(figures as Record<string, number>),
        [ratingLoss + 2 * clickLoss, ratingLoss, clickLoss, mean(hits)],
        { relative: 1e-7 },
      );
    }
  });

  it('may be given by output, be of all outputs, and be figures', async () => {
    const worst = nn.figure({
      init: () => ({ worst: zeros([], 'float64') }),
      update: ({ worst }, output, target) => ({ worst: worst.maximum(output.sub(target).abs().max()) }),
      merge: (a, b) => ({ worst: a.worst.maximum(b.worst) }),
      result: ({ worst }) => worst,
    });
    const metrics: NonNullable<Options['metrics']> = {
      rating: { mae: nn.meanAbsoluteError, worst },
      both: (output, target) => nn.maeLoss(output.rating, target.rating).add(output.click.mean().mul(0)),
      sum: nn.figure({
        init: () => ({ sum: zeros([], 'float64') }),
        update: ({ sum }: Sum, { rating }: Outputs, target: Outputs) => ({
          sum: sum.add(rating.add(target.rating).sum()),
        }),
        merge: (a: Sum, b: Sum) => ({ sum: a.sum.add(b.sum) }),
        result: ({ sum }: Sum) => sum,
      }),
    };
    // As functions of all outputs, the losses have no figures of their own.
    const functions: Options['loss'][] = [
      losses,
      (o, t) => nn.mseLoss(o.rating, t.rating).add(clickLoss(o.click, t.click)),
    ];
    for (const [i, loss] of functions.entries()) {
      const trainer = trainerOf({ loss, metrics });
      const ratings = [...(await (await trainer.predict(inputs)).rating.data())];
      const gaps = ratings.map((value, j) => Math.abs(value - (targets.rating[j] as number)));
      const mae = gaps.reduce((a, b) => a + b) / gaps.length;
      const figures = await trainer.evaluate(samples(), { batchSize: 4 });
      const own = i === 0 ? ['rating.loss', 'click.loss'] : [];
      expect(Object.keys(figures)).toEqual(['loss', ...own, 'rating.mae', 'rating.worst', 'both', 'sum']);
      const sum = ratings.reduce((total, value, j) => total + value + (targets.rating[j] as number), 0);
      const found = ['rating.mae', 'rating.worst', 'both', 'sum'].map((name) => figures[name] ?? Number.NaN);
      expectClose('figures', found, [mae, Math.max(...gaps), mae, sum], precise);
    }
  });
});

import { data, nn, optim, type Tensor, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { collect } from '../helpers/training.js';

const folder = useFolder();

class Factor extends nn.Module {
  factor = new nn.Parameter([1], { init: nn.init.ones });
  forward(x: Tensor): Tensor {
    return x.mul(this.factor);
  }
}

/** Squared errors; each target is followed by its weight. */
const loss = (output: Tensor, target: Tensor) => {
  const weight = target.slice([[], [1, 2]]);
  const errors = output.sub(target.slice([[], [0, 1]])).square();
  return { sum: errors.mul(weight).sum(), weight: weight.sum() };
};

type Row = readonly [target: number, weight: number];

/** Batches of two rows. */
const GOOD: readonly Row[][] = [
  [
    [3, 1],
    [4, 2],
  ],
  [
    [2, 1],
    [5, 0],
  ],
  [
    [-1, 0.5],
    [7, 1],
  ],
];
const EMPTY: readonly Row[] = [
  [5, 0],
  [6, 0],
];

function samplesOf(batches: readonly (readonly Row[])[]): data.Dataset {
  const rows = batches.flat().map((row) => [...row]);
  return data.fromArrays(
    rows.map((_, i) => [1 + (i % 2) / 2]),
    rows,
  );
}

const options = { batchSize: 2, shuffle: false } as const;

const trainerOf = (optimizer: optim.Optimizer, workers = 1) =>
  new Trainer(new Factor(), { loss, optimizer, workers, shards: 2 });

/** The parameter, and its average if the optimiser keeps one. */
async function valuesOf(trainer: Trainer): Promise<(number | undefined)[]> {
  const values = trainer.model.parameters()[0]?.storage.data;
  const own = values?.[0];
  return [own, await trainer.withAverages(() => values?.[0]).catch(() => undefined)];
}

const optimizers: [string, (accumulate: number) => optim.Optimizer][] = [
  ['the step count of Adam', (accumulate) => optim.adam({ lr: 0.1, accumulate })],
  [
    'a schedule',
    (accumulate) => optim.sgd({ lr: optim.stepLR({ lr: 0.1, stepSize: 2, gamma: 0.5 }), accumulate }),
  ],
  ['averages', (accumulate) => optim.sgd({ lr: 0.1, average: 0.9, accumulate })],
];

describe.each(optimizers)('updates without weight, with %s', (_, optimizer) => {
  const [a, b, c] = GOOD as [Row[], Row[], Row[]];
  const cases: [number, Row[][], Row[][]][] = [
    [1, [[...EMPTY], [...EMPTY], a, [...EMPTY], b, [...EMPTY], c], [a, b, c]],
    [2, [[...EMPTY], [...EMPTY], a, b, [...EMPTY], [...EMPTY], c, a], [a, b, c, a]],
  ];

  it.each(cases)('are not counted, of %i steps each', async (accumulate, mixed, good) => {
    const expected = trainerOf(optimizer(accumulate));
    await collect(expected.fit(samplesOf(good), { ...options, epochs: 2 }));
    for (const workers of LONG ? [1, 2] : [accumulate]) {
      const found = trainerOf(optimizer(accumulate), workers);
      await collect(found.fit(samplesOf(mixed), { ...options, epochs: 2 }));
      expect(await valuesOf(found)).toEqual(await valuesOf(expected));
    }
  });

  it.each(cases)('are not counted after a run resumes, of %i steps each', async (accumulate, mixed, good) => {
    const expected = trainerOf(optimizer(accumulate));
    await collect(expected.fit(samplesOf(good), { ...options, epochs: 2 }));
    const checkpoint = { dir: folder(), everySteps: 1, sigterm: false };
    const settings = { ...options, epochs: 2, checkpoint };
    for (const stopAt of LONG ? [1, 3, 6, 10] : [3, 10]) {
      const abort = new AbortController();
      const trainer = trainerOf(optimizer(accumulate));
      const onProgress = () => {
        if (trainer.steps >= stopAt) abort.abort(new Error('stopped'));
      };
      await collect(trainer.fit(samplesOf(mixed), { ...settings, signal: abort.signal, onProgress })).catch(
        () => {},
      );
    }
    const last = trainerOf(optimizer(accumulate), 2);
    await collect(last.fit(samplesOf(mixed), settings));
    expect(await valuesOf(last)).toEqual(await valuesOf(expected));
  });
});

it('a weight that is infinite ends training, as a loss that is not finite does', async () => {
  const run = trainerOf(optim.adam()).fit(samplesOf([[[1, Number.POSITIVE_INFINITY]]]));
  await expect(collect(run)).rejects.toThrow('the loss must stay finite, but was NaN');
});

import { compile, dataParallel, grad, nn, optim, type Tensor, tensor, zeros } from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { hashOf } from '../helpers/runs.js';
import { noise } from '../helpers/training.js';

type Step = (x: Tensor, y: Tensor) => Promise<Tensor>;

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const step of opened.splice(0)) await step.close();
});

function shared(fn: (x: Tensor, y: Tensor) => Tensor, shards: number, workers = 2): Step {
  const step = dataParallel(fn, { shards, workers });
  opened.push(step);
  return step;
}

type Loss = (output: Tensor, target: Tensor) => Tensor;

const weight = [1, 10, 0.5];
const weighted = nn.crossEntropy.with({ weight, ignoreIndex: 9 });

const LABELS = [0, 1, 9, 2, 9, 9, 1, 0, 2, 2];
const inputs = noise(LABELS.length * 3, 1);

/** Rows from `start` to `end` of the samples. */
function rows(start: number, end: number): [Tensor, Tensor] {
  const x = tensor(inputs.slice(3 * start, 3 * end), { shape: [end - start, 3] });
  return [x, tensor(Int32Array.from(LABELS.slice(start, end)))];
}

/** The weight of all rows: the loss of equal outputs is that weight times log(3). */
const weightOf = (labels: Tensor) =>
  nn
    .crossEntropy(zeros([labels.size, 3]), labels, { weight, ignoreIndex: 9, reduction: 'sum' })
    .div(Math.log(3));

interface Settings {
  readonly options?: Partial<optim.SgdOptions>;
  readonly weighed?: (labels: Tensor) => number | Tensor;
  readonly batches?: readonly (readonly [number, number])[];
}

const BATCHES = [
  [0, 6],
  [6, 10],
  [2, 8],
  [3, 7],
] as const;

/** Takes steps on batches of unequal sizes, and gives the losses and the parameters. */
async function train(
  loss: Loss,
  around: (fn: (x: Tensor, y: Tensor) => Tensor) => Step,
  { options = {}, weighed, batches = BATCHES }: Settings = {},
) {
  const model = new nn.Linear(3, 3).init(2);
  const optimizer = optim.sgd({ lr: 0.2, momentum: 0.9, ...options });
  const parameters = model.parameters();
  const step = around((x, y) => {
    const value = loss(model.forward(x), y);
    optimizer.step(parameters, grad(value, parameters), weighed ? { weight: weighed(y) } : {});
    return value;
  });
  const losses: number[] = [];
  for (const [start, end] of batches) losses.push(await (await step(...rows(start, end))).item());
  return { losses, parameters: parameters.flatMap(({ storage }) => [...storage.data]), hash: hashOf(model) };
}

const tight = { relative: 1e-5 };

describe('a data-parallel step', () => {
  const cases: [string, Loss][] = [
    ['a ratio', weighted],
    ['a total', nn.crossEntropy.with({ weight, ignoreIndex: 9, reduction: 'sum' })],
    ['a mean', (x, y) => nn.mseLoss(x, x.mul(0)).add(nn.crossEntropy(x, y.minimum(2)))],
  ];

  it.each(cases)('of %s is that of the whole batch, on any number of shards', async (_, loss) => {
    const expected = await train(loss, compile);
    for (const shards of [1, 2, 3, 8]) {
      const found = await train(loss, (fn) => shared(fn, shards));
      expectClose('losses', found.losses, expected.losses, tight);
      expectClose('parameters', found.parameters, expected.parameters, tight);
    }
  });

  it('of a ratio has the same bits on any number of workers', async () => {
    const options = { accumulate: 2, clipNorm: 0.3 };
    const [one, ...others] = await Promise.all(
      [1, 2, 3].map((workers) => train(weighted, (fn) => shared(fn, 4, workers), { options })),
    );
    for (const other of others) expect(other).toEqual(one);
  });

  const accumulated: [string, Loss, Settings['weighed']][] = [
    ['a ratio', weighted, weightOf],
    ['a mean', (x, y) => nn.crossEntropy(x, y.minimum(2)), (y) => y.shape[0] as number],
  ];

  it.each(accumulated)(
    'of %s weighs what is accumulated as a compiled one that is told',
    async (_, loss, weighed) => {
      const options = { accumulate: 2, clipNorm: 0.5 };
      const expected = await train(loss, compile, { options, weighed } as Settings);
      const found = await train(loss, (fn) => shared(fn, 3), { options });
      const told = await train(loss, (fn) => shared(fn, 3), { options, weighed } as Settings);
      expectClose('parameters', found.parameters, expected.parameters, tight);
      expectClose('parameters', told.parameters, expected.parameters, tight);
      // Two batches of 6 and 4 rows are one of 10.
      const both = await train(loss, compile, { options: { clipNorm: 0.5 }, batches: [[0, 10]] });
      const halves = await train(loss, compile, {
        options,
        weighed,
        batches: BATCHES.slice(0, 2),
      } as Settings);
      expectClose('parameters', halves.parameters, both.parameters, tight);
    },
  );

  it('of a ratio without weight changes nothing, and its loss is 0', async () => {
    const found = await train(weighted, (fn) => shared(fn, 2), {
      batches: [[4, 6]],
      options: { weightDecay: 1 },
    });
    expect(found.losses).toEqual([0]);
    expect(found.hash).toBe(hashOf(new nn.Linear(3, 3).init(2)));
  });

  it('gives results that are ratios and totals of all rows', async () => {
    const fn = (x: Tensor, y: Tensor) => ({
      loss: weighted(x, y),
      accuracy: nn.accuracy(x, y, { ignoreIndex: 9 }),
      errors: nn.maeLoss(x, x.mul(0), { reduction: 'sum' }),
    });
    const step = dataParallel(fn, { shards: 4, workers: 2 });
    opened.push(step);
    const [found, expected] = [await step(...rows(0, 10)), await compile(fn)(...rows(0, 10))];
    for (const name of ['loss', 'accuracy', 'errors'] as const) {
      expect(await found[name].item()).toBeCloseTo(await expected[name].item(), 5);
    }
  });

  it('refuses a weight that is no number, or depends on the parameters', async () => {
    const refused = (weighed: Settings['weighed']) =>
      train(weighted, (fn) => shared(fn, 2), { weighed } as Settings);
    await expect(refused(() => -1)).rejects.toThrow(
      'weight must be a positive number or a scalar tensor, got -1',
    );
    await expect(refused(() => zeros([2]))).rejects.toThrow(
      'weight must be a positive number or a scalar tensor',
    );
    const dependent: Loss = (x, y) => weighted(x, y);
    const model = new nn.Linear(3, 3).init(2);
    const step = shared((x, y) => {
      const loss = dependent(model.forward(x), y);
      const parameters = model.parameters();
      optim.sgd({ lr: 1 }).step(parameters, grad(loss, parameters), { weight: model.forward(x).sum() });
      return loss;
    }, 2);
    await expect(step(...rows(0, 4))).rejects.toThrow(
      'dataParallel: the weight of the loss must not depend on the parameters',
    );
  });
});

import { compile, dataParallel, grad, nn, optim, type Tensor, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';

type Step = ((x: Tensor, y: Tensor) => Promise<Tensor>) & { close?(): Promise<void> };

const ways: [string, (fn: (x: Tensor, y: Tensor) => Tensor) => Step][] = [
  ['compile', compile],
  ['dataParallel with 1 shard', (fn) => dataParallel(fn, { workers: 1 })],
  ['dataParallel with 2 workers', (fn) => dataParallel(fn, { workers: 2, shards: 2 })],
];

type Loss = (output: Tensor, target: Tensor) => Tensor;

const ignoring = nn.crossEntropy.with({ ignoreIndex: -100 });

/** Two rows with these labels. */
const batch = (...labels: readonly number[]): [Tensor, Tensor] => [
  tensor([
    [1, 2],
    [3, -1],
  ]),
  tensor(Int32Array.from(labels)),
];

interface Settings {
  readonly loss?: Loss;
  readonly weight?: (y: Tensor) => Tensor;
}

/** The parameters after steps on some batches, and the optimiser's count. */
async function train(
  way: (typeof ways)[number][1],
  optimizer: optim.Optimizer,
  batches: readonly [Tensor, Tensor][],
  { loss = ignoring, weight }: Settings = {},
) {
  const model = new nn.Linear(2, 2).init(1);
  const parameters = model.parameters();
  const step = way((x, y) => {
    const value = loss(model.forward(x), y);
    optimizer.step(parameters, grad(value, parameters), weight ? { weight: weight(y) } : {});
    return value;
  });
  for (const [x, y] of batches) await step(x, y);
  await step.close?.();
  return { values: parameters.flatMap(({ storage }) => [...storage.data]), steps: optimizer.steps };
}

const EMPTY = batch(-100, -100);
const GOOD = [batch(0, 1), batch(1, -100), batch(0, 0), batch(1, 1)];

const optimizers: [string, (accumulate: number) => optim.Optimizer][] = [
  ['the step count of Adam', (accumulate) => optim.adam({ lr: 0.1, accumulate, weightDecay: 0.1 })],
  ['a schedule', (accumulate) => optim.sgd({ lr: optim.stepLR({ lr: 0.1, stepSize: 2 }), accumulate })],
  ['averages', (accumulate) => optim.sgd({ lr: 0.1, momentum: 0.9, average: 0.9, accumulate })],
];

describe.each(ways)('in %s', (_, way) => {
  it.each(optimizers)('updates without weight are not counted, with %s', async (_name, optimizer) => {
    for (const accumulate of [1, 2]) {
      const empty = new Array<[Tensor, Tensor]>(accumulate).fill(EMPTY);
      const [a, b, c, d] = GOOD as [[Tensor, Tensor], [Tensor, Tensor], [Tensor, Tensor], [Tensor, Tensor]];
      const found = await train(way, optimizer(accumulate), [...empty, ...empty, a, b, ...empty, c, d]);
      expect(found).toEqual(await train(way, optimizer(accumulate), GOOD));
      expect(found.steps).toBe(4);
    }
  });

  it.each([1, 2])('an update whose given weight is 0 is not made, of %i steps', async (accumulate) => {
    const { values, steps } = await train(
      way,
      optim.adam({ lr: 0.1, accumulate, weightDecay: 1 }),
      GOOD.slice(0, 2),
      { weight: (y) => y.mul(0).sum() },
    );
    expect(values).toEqual([...new nn.Linear(2, 2).init(1).parameters()].flatMap((x) => [...x.storage.data]));
    expect(steps).toBe(0);
  });

  it('totals of accumulated steps are added, and ratios divided by the weight of all', async () => {
    for (const loss of [ignoring, nn.crossEntropy.with({ ignoreIndex: -100, reduction: 'sum' })]) {
      const found = await train(way, optim.sgd({ lr: 0.1, accumulate: 2 }), GOOD.slice(0, 2), { loss });
      const whole = [
        tensor([
          [1, 2],
          [3, -1],
          [1, 2],
          [3, -1],
        ]),
        tensor(Int32Array.from([0, 1, 1, -100])),
      ] as [Tensor, Tensor];
      const expected = await train(compile, optim.sgd({ lr: 0.1 }), [whole], { loss });
      found.values.forEach((value, i) => {
        expect(value).toBeCloseTo(expected.values[i] as number, 5);
      });
    }
  });
});

it('a step in which some rows count is made in full', async () => {
  const model = new nn.Linear(1, 1, { bias: false }).init(0);
  model.weight.storage.data.fill(1);
  const optimizer = optim.sgd({ lr: 1 });
  const step = compile((x: Tensor, weight: Tensor) => {
    const loss = model.forward(x).mean();
    optimizer.step([model.weight], grad(loss, [model.weight]), { weight });
    return loss;
  });
  await step(tensor([[2]]), zeros([]));
  await step(tensor([[2]]), tensor(0.5));
  expect([model.weight.storage.data[0], optimizer.steps]).toEqual([-1, 1]);
});

import { data, inspect, nn, optim, stack, type Tensor, Trainer, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { inputs, losses, Recommender, ROWS, samples, targets } from '../../helpers/models/recommender.js';
import { collect } from '../../helpers/training.js';

type Given = Record<string, unknown>;
const given = (more: Given): Given => ({
  loss: losses,
  optimizer: optim.sgd({ lr: 0.1 }),
  workers: 1,
  ...more,
});
const trainer = (more: Given = {}, model: nn.AnyModule = new Recommender()): Trainer =>
  Reflect.construct(Trainer, [model, given(more)]) as Trainer;

/** Takes two inputs. */
class Pair extends nn.Module<[Tensor, Tensor], [Tensor, Tensor]> {
  fc = new nn.Linear(2, 1);
  forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
    return [this.fc.forward(stack([a, b], -1)).squeeze(-1), a.mul(b)];
  }
}
const x = Float32Array.from(inputs.price);
const pairs = data.fromArrays([x, x], [x, x], { inputs: [{}, {}], targets: [{}, {}] });

describe('a trainer refuses', () => {
  it.each<[string, Given, string]>([
    ['no losses', { loss: {} }, 'Trainer: loss must not be empty, got an object'],
    ['a list of none', { loss: [] }, 'Trainer: loss must not be empty, got []'],
    [
      'a loss by name',
      { loss: { rating: 'mse' } },
      'Trainer: loss.rating must be a function such as nn.crossEntropy, got mse',
    ],
    [
      'an undefined loss',
      { loss: { rating: undefined, click: nn.mseLoss } },
      'Trainer: loss.rating must be a function such as nn.crossEntropy, got undefined',
    ],
    [
      'a hole among losses',
      { loss: Object.assign([], { 1: nn.mseLoss }) },
      'Trainer: loss[0] must be a function such as nn.crossEntropy, got undefined',
    ],
    [
      'losses of losses',
      { loss: { rating: { a: nn.mseLoss } } },
      'Trainer: loss.rating must be a function such as nn.crossEntropy, got an object',
    ],
    [
      'a Map of losses',
      { loss: new Map() },
      'Trainer: loss must be a function such as nn.crossEntropy, or a list or a record of such functions by output, got an instance of Map',
    ],
    [
      'factors of other losses',
      { lossWeights: { ratng: 1 } },
      'Trainer: unknown output lossWeights.ratng; did you mean lossWeights.rating? (the outputs are rating, click)',
    ],
    [
      'factors in a list',
      { lossWeights: [1, 2] },
      'Trainer: unknown output lossWeights.0; the outputs are rating, click',
    ],
    [
      'factors that are NaN',
      { lossWeights: { rating: Number.NaN } },
      'Trainer: lossWeights.rating must be a finite number, got NaN',
    ],
    [
      'one factor',
      { lossWeights: 2 },
      'Trainer: lossWeights must be a list or a record of finite numbers by output, got 2',
    ],
    [
      'factors of one loss',
      { loss: nn.mseLoss, lossWeights: { rating: 2 } },
      'Trainer: lossWeights are factors of several losses, and there is one loss, got rating',
    ],
    [
      'a metric named as a loss',
      { metrics: { rating: { loss: nn.mseLoss } } },
      'Trainer: metrics must have other names than rating.loss, which is taken',
    ],
    [
      'two metrics of one name',
      { metrics: { rating: { mae: nn.maeLoss }, 'rating.mae': () => tensor(0) } },
      'Trainer: metrics must have other names than rating.mae, which is taken',
    ],
    [
      'a metric that is none',
      { metrics: { rating: { mae: 3 } } },
      'Trainer: metric rating.mae must be a function of output and target or a figure, got 3',
    ],
    [
      'metrics by output for one loss of the package',
      { loss: nn.mseLoss, metrics: { rating: { mae: nn.maeLoss } } },
      'Trainer: metric rating must be a function of output and target or a figure, got an object',
    ],
  ])('%s', (_, options, message) => {
    expect(() => trainer(options)).toThrow(message);
  });
});

describe('fit and evaluate refuse', () => {
  const other = Float32Array.from({ length: ROWS }, (_, i) => i);
  const { rating } = targets;
  const without = (name: keyof typeof inputs) =>
    Object.fromEntries(Object.entries(inputs).filter(([own]) => own !== name)) as typeof inputs;
  const one = data.fromArrays(inputs, rating);
  const fewer = data.fromArrays(inputs, { rating });
  it.each<[string, Trainer, data.AnyDataset, string]>([
    [
      'an input that the model does not use',
      trainer(),
      data.fromArrays({ ...inputs, other }, targets),
      'Trainer: inputs.other of the data set must be used by the model; leave it out if it is not needed',
    ],
    [
      'a target without a loss',
      trainer(),
      data.fromArrays(inputs, { ...targets, other }),
      'Trainer: targets.other of the data set must be used by a loss or a metric; leave it out if it is not needed',
    ],
    [
      'too many inputs',
      trainer({ loss: [nn.mseLoss, nn.mseLoss] }, new Pair()),
      data.fromArrays([x, x, x], [x, x], { inputs: [{}, {}, {}], targets: [{}, {}] }),
      'Trainer: inputs[2] of the data set must be used by the model',
    ],
    [
      'the lack of an input',
      trainer(),
      data.fromArrays(without('price'), targets),
      'Trainer: the inputs must have price, which forward reads, got a record of user and item',
    ],
    [
      'the lack of one that a layer needs',
      trainer(),
      data.fromArrays(without('item'), targets),
      'items: Embedding: input must be a tensor, got undefined (forward reads item, and was given a record of user and price)',
    ],
    [
      'too few inputs',
      trainer({ loss: [nn.mseLoss, nn.mseLoss] }, new Pair()),
      data.fromArrays([x], [x, x], { inputs: [{}], targets: [{}, {}] }),
      '(forward takes 2 inputs, and was given one tensor)',
    ],
    [
      'one input for a record',
      trainer(),
      data.fromArrays(inputs.user, targets, { inputs: { shape: [1] } }),
      '(forward reads user and price, and was given one tensor)',
    ],
    [
      'the lack of a target',
      trainer(),
      fewer,
      'Trainer: the target must have click, for which there is a loss, got rating',
    ],
    [
      'one target for several',
      trainer(),
      one,
      'Trainer: the target must have rating, for which there is a loss, got a single tensor',
    ],
    [
      'the lack of a target of metrics',
      trainer({ loss: { rating: nn.mseLoss }, metrics: { click: { accuracy: nn.accuracy } } }),
      fewer,
      'metric click.accuracy: Trainer: the target must have click, for which there are metrics, got rating',
    ],
    [
      'a loss of no output',
      trainer({ loss: { rating: nn.mseLoss, stars: nn.mseLoss } }),
      samples(),
      'Trainer: the output must have stars, for which there is a loss, got rating, click',
    ],
    [
      'metrics of no output',
      trainer({ metrics: { stars: { mae: nn.maeLoss } } }),
      samples(),
      'metric stars.mae: Trainer: the output must have stars, for which there are metrics, got rating, click',
    ],
    [
      'a list of losses for a record',
      trainer({ loss: [nn.mseLoss, nn.mseLoss] }),
      samples(),
      'Trainer: the output must have 0, for which there is a loss, got rating, click',
    ],
    [
      'losses for one output',
      trainer({ loss: { rating: nn.mseLoss } }, new nn.Linear(1, 1)),
      data.fromArrays([[1]], { rating: [[1]] }),
      'Trainer: the output must have rating, for which there is a loss, got a single tensor',
    ],
    [
      'one loss for several outputs',
      trainer({ loss: nn.mseLoss }),
      samples(),
      'Trainer: the model gives a record of outputs, rating, click, so the loss must be a record of losses, or a function of all',
    ],
    [
      'one loss for a list of them',
      trainer({ loss: nn.mseLoss }, new Pair()),
      pairs,
      'Trainer: the model gives a list of outputs, 0, 1, so the loss must be a list of losses, or a function of all',
    ],
    [
      'one loss for several targets',
      trainer({ loss: nn.mseLoss }, new nn.Linear(1, 1)),
      data.fromArrays([[1]], { rating: [[1]] }),
      'Trainer: the data set has a record of targets, rating, so the loss must be a record of losses, or a function of all',
    ],
    [
      'a metric for several outputs',
      trainer({ metrics: { mae: nn.meanAbsoluteError } }),
      samples(),
      'metric mae: Trainer: the model gives a record of outputs, rating, click, so it must be given under the name of its output',
    ],
    [
      'labels that are no classes',
      trainer(),
      data.fromArrays(inputs, { ...targets, click: targets.click.map((label) => label + 4) }),
      'loss click: crossEntropy: ',
    ],
    [
      'shapes that do not fit',
      trainer({ loss: { rating: nn.mseLoss, click: nn.mseLoss } }),
      samples(),
      'loss click: mseLoss: output and target must have one shape, got [11,3] and [11]',
    ],
  ])('%s', async (_, of, data_, message) => {
    await expect(of.evaluate(data_)).rejects.toThrow(message);
    await expect(collect(of.fit(data_))).rejects.toThrow(message);
  });

  it('records and lists in other places by their names', async () => {
    const { loss } = await trainer({ loss: [nn.mseLoss, nn.mseLoss] }, new Pair()).evaluate(pairs);
    const named = trainer({ loss: { 0: nn.mseLoss, 1: nn.mseLoss }, lossWeights: { 1: 1 } }, new Pair());
    expect((await named.evaluate(pairs)).loss).toBe(loss);
  });

  it('the lack of an input with the error that it led to, and errors of the model as they are', async () => {
    class Strict extends nn.Module<{ x: Tensor; mask?: Tensor }> {
      fc = new nn.Linear(1, 1);
      forward({ x, mask }: { x: Tensor; mask?: Tensor }): Tensor {
        if (!mask) throw new Error('of my own');
        return this.fc.forward(x).mul(mask);
      }
    }
    await expect(
      trainer({ loss: nn.mseLoss }, new Strict()).evaluate(data.fromArrays({ x }, x)),
    ).rejects.toThrow(/^of my own$/);
    await expect(trainer().evaluate(data.fromArrays(without('price'), targets))).rejects.toThrow(
      "got a record of user and item (Cannot read properties of undefined (reading 'to'))",
    );
  });

  it('but not what serves an output without a loss', async () => {
    class Apart extends nn.Module<{ x: Tensor; y: Tensor }, { ofX: Tensor; ofY: Tensor }> {
      fc = new nn.Linear(1, 1);
      forward({ x, y }: { x: Tensor; y: Tensor }) {
        return { ofX: this.fc.forward(x.unsqueeze(-1)).squeeze(-1), ofY: y.mul(2) };
      }
    }
    const apart = trainer({ loss: { ofX: nn.mseLoss } }, new Apart());
    const set = data.fromArrays({ x, y: x }, { ofX: x });
    expect(await apart.evaluate(set)).toMatchObject({ loss: expect.any(Number) });
    expect(await collect(apart.fit(set))).toHaveLength(1);
    const [of, y] = [tensor(x), tensor(x)];
    expect(await inspect(new Apart().init(1), { ofX: nn.mseLoss }, { x: of, y }, { ofX: y })).toBeDefined();
  });

  it('but not what serves inference alone', async () => {
    class Scaled extends nn.Module<{ x: Tensor; scale: Tensor }> {
      fc = new nn.Linear(1, 1);
      forward({ x, scale }: { x: Tensor; scale: Tensor }): Tensor {
        const output = this.fc.forward(x.unsqueeze(-1)).squeeze(-1);
        return this.training ? output : output.mul(scale);
      }
    }
    const set = data.fromArrays({ x, scale: x }, x);
    expect(await collect(trainer({ loss: nn.mseLoss }, new Scaled()).fit(set))).toHaveLength(1);
  });

  it('but not what serves training alone', async () => {
    class Forcing extends nn.Module<{ x: Tensor; forced: Tensor }> {
      fc = new nn.Linear(1, 1);
      forward({ x, forced }: { x: Tensor; forced: Tensor }): Tensor {
        const output = this.fc.forward(x.unsqueeze(-1)).squeeze(-1);
        return this.training ? output.add(forced) : output;
      }
    }
    const forcing = trainer({ loss: nn.mseLoss }, new Forcing());
    const forced = data.fromArrays({ x, forced: x }, x);
    expect(await forcing.evaluate(forced)).toMatchObject({ loss: expect.any(Number) });
    expect(await collect(forcing.fit(forced, { validation: forced }))).toHaveLength(1);
    const surplus = data.fromArrays({ x, forced: x, y: x }, x);
    await expect(forcing.evaluate(surplus)).rejects.toThrow('Trainer: inputs.y of the data set must be used');
  });

  it('outputs that are no tensors', async () => {
    class Bad extends nn.Module<Tensor, object> {
      fc = new nn.Linear(1, 1);
      constructor(readonly make: (y: Tensor) => object) {
        super();
      }
      forward(input: Tensor): object {
        return this.make(this.fc.forward(input));
      }
    }
    const of = (make: (y: Tensor) => object) =>
      trainer({ loss: { y: nn.mseLoss } }, new Bad(make) as unknown as nn.AnyModule).evaluate(
        data.fromArrays([[1]], { y: [[1]] }),
      );
    const expected =
      "Trainer: the model's forward must return a tensor, or a list or a record of tensors, got";
    await expect(of((y) => ({ y: { y } }))).rejects.toThrow(`${expected} an object`);
    await expect(of(() => [])).rejects.toThrow(`${expected} []`);
    await expect(of(() => ({}))).rejects.toThrow(`${expected} an object`);
  });
});

describe('predict and inspect refuse', () => {
  const { user, item, price } = inputs;
  const predict =
    (...args: unknown[]) =>
    () => {
      const of = trainer();
      return Reflect.apply(of.predict, of, args) as Promise<unknown>;
    };
  const pair =
    (...args: unknown[]) =>
    () => {
      const of = trainer({ loss: [nn.mseLoss, nn.mseLoss] }, new Pair());
      return Reflect.apply(of.predict, of, args) as Promise<unknown>;
    };
  it.each<[string, () => Promise<unknown>, string]>([
    [
      'a misspelt input',
      predict({ user, item, prize: price }),
      'the inputs must have price, which forward reads, got a record of user, item and prize',
    ],
    [
      'an input too many',
      predict({ user, item, price, other: price }),
      'predict: inputs.other must be used by the model; leave it out if it is not needed',
    ],
    ['no inputs', predict({}), 'forward reads user, item and price, and was given a record of nothing'],
    ['a list for a record', predict(user, item, price), 'and was given 3 tensors'],
    [
      'two records',
      predict({ user, item, price }, { user }),
      'predict: inputs must be a tensor, or numbers that make one, got an object',
    ],
    [
      'records in a record',
      predict({ user: { a: user }, item, price }),
      'predict: input.user must be a tensor, or numbers that make one, got an object',
    ],
    [
      'an undefined input',
      predict({ user, item, price: undefined }),
      'predict: input.price must be a tensor, or numbers that make one, got undefined',
    ],
    [
      'rows that do not fit',
      predict({ user, item, price: price.subarray(1) }),
      'concat: shapes must agree but for axis 1, got [[11,3],[10,1]]',
    ],
    [
      'inputs in one list',
      pair([tensor(x), tensor(x)]),
      'predict: input must be one tensor; a list of inputs is given as several arguments',
    ],
    ['an input too few', pair(x), '(forward takes 2 inputs, and was given one tensor)'],
    ['three for two', pair(x, x, x), 'predict: inputs[2] must be used by the model'],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  it('inspect: what serves nothing', async () => {
    const tensors = { user: tensor(user), item: tensor(item), price: tensor(price) };
    const of = {
      rating: tensor(targets.rating),
      click: tensor(targets.click.map((label) => Math.max(0, label))),
    };
    const examined = (more: object, others: object, loss: object = losses) =>
      Reflect.apply(inspect, undefined, [
        new Recommender().init(1),
        loss,
        { ...tensors, ...more },
        { ...of, ...others },
      ]) as Promise<unknown>;
    expect(await examined({}, {})).toMatchObject({ firstNonFinite: null });
    await expect(examined({ other: tensor(price) }, {})).rejects.toThrow(
      'inspect: inputs.other must be used by the model',
    );
    await expect(examined({}, { other: tensor(price) })).rejects.toThrow(
      'inspect: targets.other must be used by a loss',
    );
    await expect(examined({}, {}, { stars: nn.mseLoss })).rejects.toThrow(
      'inspect: the output must have stars, for which there is a loss, got rating, click',
    );
    await expect(examined({ price: 3 }, {})).rejects.toThrow('inspect: inputs.price must be a tensor, got 3');
  });

  it('names the column of a value that is not finite', async () => {
    const bad = data.fromArrays(
      { ...inputs, price: inputs.price.map((value, i) => (i === 6 ? Number.NaN : value)) },
      targets,
    );
    await expect(collect(trainer().fit(bad, { batchSize: 4, shuffle: false }))).rejects.toThrow(
      'inputs.price must be finite, but 1 of its 4 values are not',
    );
    const target = data.fromArrays(inputs, {
      ...targets,
      rating: targets.rating.map((value, i) => (i === 1 ? Number.POSITIVE_INFINITY : value)),
    });
    await expect(collect(trainer().fit(target, { batchSize: 4, shuffle: false }))).rejects.toThrow(
      'targets.rating must be finite, but 1 of its 4 values are not',
    );
    const skipped = await collect(trainer().fit(bad, { batchSize: 4, shuffle: false, nonFinite: 'skip' }));
    expect(skipped[0]?.skippedSteps).toBe(1);
  });
});

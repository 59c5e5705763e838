import { data } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { inputs, ROWS, samples, targets, train } from '../../helpers/models/recommender.js';

const forms = {
  inputs: {
    user: { shape: [], dtype: 'int32' },
    item: { shape: [], dtype: 'int32' },
    price: { shape: [], dtype: 'float64' },
  },
  targets: { rating: { dtype: 'float64' }, click: {} },
} as const;
const weights = Float32Array.from({ length: ROWS }, (_, i) => i % 3);

interface Item {
  inputs: Record<string, unknown>;
  target: Record<string, unknown>;
  weight?: unknown;
}
const itemAt = (i: number, isWeighted = false): Item => ({
  inputs: { price: inputs.price[i], user: inputs.user[i], item: [inputs.item[i]] },
  target: { rating: targets.rating.subarray(i, i + 1), click: targets.click[i] },
  ...(isWeighted ? { weight: weights[i] } : {}),
});
const items = (isWeighted = false) => Array.from({ length: ROWS }, (_, i) => itemAt(i, isWeighted));
const streamed = (given: readonly unknown[], more: Partial<data.StreamOptions> = {}) =>
  data.stream(() => given as data.StreamItem[], { ...forms, ...more } as typeof forms);

async function collected<B>(batches: AsyncIterable<B>): Promise<B[]> {
  const all: B[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe('a stream of several inputs and targets', () => {
  it('gives the batches of a data set of the same samples', async () => {
    for (const weighted of [false, true]) {
      const stream = streamed(items(weighted), weighted ? { weights: true } : {});
      const found = await collected(data.batches(stream, { batchSize: 4 }));
      const set = samples(weighted ? { weights } : {});
      expect(found).toEqual([...data.batches(set, { batchSize: 4 })]);
    }
    expect(streamed([]).loaded).toEqual(samples().loaded);
  });

  it('trains as a data set does, of known length or not', async () => {
    const expected = await train({ data: samples({ weights }), shards: 3 });
    for (const more of [{}, { length: ROWS }, { queue: 2 }]) {
      const stream = streamed(items(true), { weights: true, ...more });
      const found = await train({ data: stream, shards: 3 });
      expect(found.losses).toEqual(expected.losses);
      expect(found.parameters).toEqual(expected.parameters);
    }
  });

  it('may be lists, and is transformed by input', async () => {
    const list = data.stream(
      () => [
        { inputs: [[1, 2], 3], target: [0, 0.5] },
        { inputs: [Float32Array.of(4, 5), 6], target: [1, 1.5] },
      ],
      {
        inputs: [{ shape: [2] }, { shape: [1], dtype: 'int32' }],
        targets: [{}, { dtype: 'float32' }],
      },
    );
    const scaled = list.transform({ 0: [data.normalize({ mean: 1, std: 2 })] });
    const [batch] = await collected(data.batches(scaled));
    expect(batch).toMatchObject({
      inputs: [
        { shape: [2, 2], data: Float32Array.of(0, 0.5, 1.5, 2) },
        { shape: [2, 1], data: Int32Array.of(3, 6) },
      ],
      targets: [{ data: Int32Array.of(0, 1) }, { data: Float32Array.of(0.5, 1.5) }],
    });
    expect(() => list.transform({ 2: [data.noise({ std: 1 })] })).toThrow(
      'transform: unknown input 2; the inputs are 0, 1',
    );
  });

  const broken: [string, (item: Item) => unknown, string][] = [
    [
      'lacks an input',
      (item) => {
        delete item.inputs.item;
      },
      'inputs of item 5 must be a record of user, item, price, got a record of price, user',
    ],
    [
      'has another input',
      (item) => {
        item.inputs.itme = 1;
      },
      'inputs of item 5 must be a record of user, item, price, got a record of price, user, item, itme',
    ],
    [
      'has a list of them',
      (item) => ({ ...item, inputs: [1, 2, 3] }),
      'inputs of item 5 must be a record of user, item, price, got [1,2,3]',
    ],
    [
      'has a single one',
      (item) => ({ ...item, inputs: 1 }),
      'inputs of item 5 must be a record of user, item, price, got 1',
    ],
    [
      'has none',
      (item) => ({ ...item, inputs: null }),
      'inputs of item 5 must be a record of user, item, price, got null',
    ],
    [
      'has too many numbers',
      (item) => {
        item.inputs.price = [1, 2];
      },
      'the inputs.price of item 5 must be a number for float64 [], got [1,2]',
    ],
    [
      'has text',
      (item) => {
        item.target.rating = '1';
      },
      "the target.rating of item 5 must be a number for float64 [], got '1'",
    ],
    [
      'has a fraction for an integer',
      (item) => {
        item.target.click = 0.5;
      },
      'the target.click of item 5 must be a number for int32 [], got 0.5',
    ],
    [
      'has a negative weight',
      (item) => {
        item.weight = -1;
      },
      'the weight of item 5 must be a finite number of at least 0, got -1',
    ],
    [
      'has a weight of NaN',
      (item) => {
        item.weight = Number.NaN;
      },
      'the weight of item 5 must be a finite number of at least 0, got NaN',
    ],
    [
      'has no weight',
      (item) => {
        delete item.weight;
      },
      'the weight of item 5 must be a number for float32 [], got undefined',
    ],
    [
      'has two weights',
      (item) => {
        item.weight = [1, 2];
      },
      'the weight of item 5 must be a number for float32 [], got [1,2]',
    ],
  ];

  it.each(broken)('refuses an item that %s, or leaves it out', async (_, damage, message) => {
    const given = items(true).map((item, i) => (i === 5 ? (damage(item) ?? item) : item));
    const stream = (more = {}) => streamed(given, { weights: true, ...more });
    await expect(collected(data.batches(stream()))).rejects.toThrow(`stream: ${message}`);
    const [batch] = await collected(data.batches(stream({ onBadItem: 'skip' })));
    const others = Array.from({ length: ROWS }, (_, i) => i).filter((i) => i !== 5);
    expect(batch?.inputs.price.data).toEqual(Float64Array.from(others, (i) => inputs.price[i] as number));
    expect(batch?.weights).toMatchObject({ data: Float32Array.from(others, (i) => weights[i] as number) });
  });

  it('refuses weights where none are declared', async () => {
    await expect(collected(data.batches(streamed(items(true))))).rejects.toThrow(
      'stream: item 0 must have no weight, as the stream has no option weights: true, got 0',
    );
  });

  it.each<[string, unknown, string]>([
    [
      'an unknown option of an input',
      { inputs: { user: { shape: [1], size: 3 } } },
      'stream: unknown option inputs.user.size; the options are shape, dtype',
    ],
    [
      'no shape of an input',
      { inputs: { user: { dtype: 'int32' } } },
      'stream: inputs.user.shape must be an array of positive integers, got undefined',
    ],
    ['no input', { inputs: [] }, 'stream: inputs must be a plain object such as { shape: ... }, got []'],
    [
      'a bad form in a list',
      { inputs: [{ shape: [2] }, { shape: 3 }] },
      'stream: inputs[1].shape must be an array of positive integers, got 3',
    ],
    [
      'a bad form of a target',
      { inputs: { shape: [2] }, targets: { a: { dtype: 'int3' } } },
      'stream: targets.a.dtype must be one of float32',
    ],
    [
      'weights that are no flag',
      { inputs: { shape: [2] }, weights: { rating: true } },
      'stream: weights must be true or false, got an object',
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => Reflect.apply(data.stream, data, [() => [], options])).toThrow(message);
  });
});

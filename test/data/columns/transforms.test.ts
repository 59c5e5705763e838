import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { data } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { arraysOf, roomFor } from '#lib/data/columns.js';
import { SampleLoader } from '#lib/data/sample-loader.js';
import { useFolder } from '../../helpers/folder.js';
import { hashIntegers, hashUniform } from '../../helpers/random-graph/random.js';

const folder = useFolder();
const ROWS = 10;
const image = { data: Uint8Array.from(hashIntegers(ROWS * 64, 1, 256)), shape: [ROWS, 8, 8, 1] };
const numbers = (width: number, seed: number) => ({
  data: Float32Array.from(hashUniform(ROWS * width, seed, -1, 1)),
  shape: [ROWS, width],
});
const rating = { data: Float32Array.from(hashUniform(ROWS, 9, -1, 1)), shape: [ROWS] };
const click = { data: Int32Array.from(hashIntegers(ROWS, 10, 3)), shape: [ROWS] };
const augmenting = [
  data.flip(),
  data.crop({ padding: 2 }),
  data.normalize({ mean: 0.5, std: 0.25 }),
  data.noise({ std: 0.1 }),
];
const noisy = [data.noise({ std: 1 })];
const inputs = { image, left: numbers(3, 2), right: numbers(3, 2) };
const set = data.fromArrays(inputs, { rating, click });
const batchesOf = (of: data.AnyDataset) => [
  ...data.batches(of, { batchSize: 4, shuffle: true, epoch: 3, seed: 2 }),
];
type Sides = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;
const valuesOf = (of: data.AnyDataset, name: string) =>
  batchesOf(of).flatMap(({ inputs }) => [...Array.from((inputs as Sides)[name]?.data ?? [])]);

describe('transforms by input', () => {
  it('are those of a data set with that input alone', () => {
    const alone = data.fromArrays(image, rating).transform(augmenting);
    const found = set.transform({ image: augmenting });
    expect(found.loaded.inputs).toMatchObject({
      image: { dtype: 'float32', shape: [8, 8, 1] },
      left: { shape: [3] },
    });
    const expected = batchesOf(alone).flatMap(({ inputs }) => [...(inputs as { data: Float32Array }).data]);
    expect(valuesOf(found, 'image')).toEqual(expected);
    for (const name of ['left', 'right']) expect(valuesOf(found, name)).toEqual(valuesOf(set, name));
    expect(batchesOf(found).map(({ targets }) => targets)).toEqual(
      batchesOf(set).map(({ targets }) => targets),
    );
  });

  it('draw other numbers for each input, wherever they are named', () => {
    const both = set.transform({ left: noisy, right: noisy });
    const [left, right] = [valuesOf(both, 'left'), valuesOf(both, 'right')];
    expect(left).not.toEqual(right);
    expect(new Set([...left, ...right]).size).toBe(2 * 3 * ROWS);
    for (const same of [
      set.transform({ right: noisy, left: noisy }),
      set.transform({ right: noisy }).transform({ left: noisy }),
      set.transform({ left: noisy }).transform({ image: [], right: noisy }),
    ]) {
      expect(batchesOf(same)).toEqual(batchesOf(both));
      expect(same.transforms).toEqual({ left: noisy, right: noisy });
    }
    expect(batchesOf(both.take(7).transform({}))).toEqual(batchesOf(both.take(7)));
  });

  it('of a list of inputs are named by index, and follow earlier ones', () => {
    const list = data.fromArrays([image, numbers(3, 2)], rating);
    const scaled = list.transform({ 1: [data.normalize({ mean: 0, std: 2 })] });
    const twice = scaled.transform({ 1: [data.normalize({ mean: 0, std: 2 })] });
    const [, stored] = list.inputs as [data.Field, data.Field];
    const [batch] = [...data.batches(twice, { batchSize: ROWS })] as [data.AnyBatch];
    const found = (batch.inputs as readonly { data: Float32Array }[])[1]?.data;
    expect(found).toEqual(stored.data.map((value) => value / 4));
  });

  it.each([1, 2, 3, 5])('give the same bits in %i parts, each with a loader of its own', (parts) => {
    const augmented = set.transform({ image: augmenting, left: noisy, right: noisy });
    const order = Int32Array.of(3, 9, 0, 7, 5, 2, 8, 1);
    const batch = { start: 1, count: 7 };
    const whole = arraysOf(roomFor(augmented.forms, 7));
    SampleLoader.openNow(augmented.source, 1).load({ order, batch, rows: batch, epoch: 2 }, whole);
    const pieces = arraysOf(roomFor(augmented.forms, 7));
    for (let part = 0; part < parts; part++) {
      const [from, to] = [Math.floor((7 * part) / parts), Math.floor((7 * (part + 1)) / parts)];
      const target = Object.fromEntries(
        Object.entries(pieces).map(([name, array]) => [name, array.subarray((from * array.length) / 7)]),
      );
      const rows = { start: 1 + from, count: to - from };
      SampleLoader.openNow(augmented.source, 1).load({ order, batch, rows, epoch: 2 }, target);
    }
    expect(pieces).toEqual(whole);
  });

  it('see all targets in a module, which may change them, and leave out bad samples of every column', async () => {
    const file = join(folder(), 'module.mjs');
    writeFileSync(
      file,
      `export default ({ index, inputs, target }) => {
         if (index === 2) throw new Error('bad');
         target.rating[0] = -target.rating[0];
         return inputs.map((value) => value + target.click[0]);
       };`,
    );
    const module = data.custom(file, { onBadItem: 'skip' });
    const weighted = data.fromArrays(inputs, { rating, click }, { weights: rating.data.map(Math.abs) });
    const transformed = weighted.transform({ left: [module], image: augmenting });
    // The sample after a bad one stands in for it.
    const rows = Array.from({ length: ROWS }, (_, row) => (row === 2 ? 3 : row));
    const images = batchesInOrder(weighted.transform({ image: augmenting }));
    for await (const { inputs: found, targets, weights } of data.batches(transformed, { batchSize: ROWS })) {
      expect([...(found.left.data as Float32Array)]).toEqual(
        rows.flatMap((row) =>
          [0, 1, 2].map((i) =>
            Math.fround((inputs.left.data[3 * row + i] as number) + (click.data[row] as number)),
          ),
        ),
      );
      expect([...found.right.data]).toEqual(
        rows.flatMap((row) => [...inputs.right.data.subarray(3 * row, 3 * row + 3)]),
      );
      expect([...found.image.data]).toEqual(
        rows.flatMap((row) => [...images.subarray(64 * row, 64 * row + 64)]),
      );
      expect([...targets.rating.data]).toEqual(rows.map((row) => -(rating.data[row] as number)));
      expect([...targets.click.data]).toEqual(rows.map((row) => click.data[row]));
      expect(weights).toMatchObject({
        data: Float32Array.from(rows, (row) => Math.abs(rating.data[row] as number)),
      });
    }
  });

  it('of an input may have the name of any property', () => {
    const odd = data.fromArrays(
      { constructor: numbers(3, 2), toString: numbers(3, 3), left: numbers(3, 4) },
      rating,
    );
    const found = odd.transform({ left: noisy }).transform({ toString: noisy });
    expect(valuesOf(found, 'constructor')).toEqual(valuesOf(odd, 'constructor'));
    expect(valuesOf(found, 'toString')).not.toEqual(valuesOf(odd, 'toString'));
  });
});

/** The images of a data set in its order. */
function batchesInOrder(of: typeof set): Float32Array {
  const [batch] = [...data.batches(of, { batchSize: ROWS })];
  return batch?.inputs.image.data as Float32Array;
}

describe('transforms by input are refused', () => {
  const transform =
    (given: unknown, of: data.AnyDataset = set) =>
    () =>
      Reflect.apply(of.transform, of, [given]) as unknown;
  const weighted = data.fromArrays(numbers(3, 2), rating, { weights: rating.data.map(Math.abs) });
  it.each<[string, () => unknown, string]>([
    [
      'as one list',
      transform(noisy),
      'transform: several inputs need transforms by input, such as { image: [...] }, got [an object]',
    ],
    [
      'of no input',
      transform({ lef: noisy }),
      'transform: unknown input lef; did you mean left? (the inputs are image, left, right)',
    ],
    [
      'of no input, whose name is an option elsewhere',
      transform({ seed: noisy }),
      'transform: unknown input seed; the inputs are image, left, right',
    ],
    [
      'of a target',
      transform({ rating: noisy }),
      'transform: unknown input rating; the inputs are image, left, right',
    ],
    [
      'that are no list',
      transform({ left: data.flip() }),
      'transforms must be an array of transforms such as data.flip() or a record of such arrays by input, got an object',
    ],
    [
      'by name for a single input',
      transform({ inputs: noisy }, weighted),
      'transform: the transforms of a single input must be an array, got an object',
    ],
    [
      'that do not suit it',
      transform({ left: [data.flip()] }),
      'flip: needs images of shape [height, width, channels], got [3]',
    ],
    [
      'mixup of several',
      transform({ left: [data.mixup()] }),
      'mixup: needs one input, one target and no weights, got inputs.image, inputs.left, inputs.right, targets.rating, targets.click',
    ],
    [
      'mixup of weights',
      transform([data.mixup()], weighted),
      'mixup: needs one input, one target and no weights, got inputs, targets, weights',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

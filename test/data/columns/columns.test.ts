import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { data, io } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSeveral, partsOf, type Structure } from '#lib/graph/structure.js';
import { useFolder } from '../../helpers/folder.js';
import { hashIntegers } from '../../helpers/random-graph/random.js';

const folder = useFolder();
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };

interface Source {
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  readonly shape: number[];
}

/** A field of a dtype, of samples of a shape; `seed` makes it another one. */
function sourceOf(rows: number, dtype: keyof typeof arrays, shape: readonly number[], seed: number): Source {
  const size = rows * shape.reduce((a, b) => a * b, 1);
  return { data: arrays[dtype].from(hashIntegers(size, seed, 200)), shape: [rows, ...shape] };
}

const isSource = (value: unknown) => ArrayBuffer.isView((value as Source).data);
const tricky = ['data', 'shape', 'dtype', 'mapped', '__proto__', 'constructor', '0', '10', 'a.b', '[0]', ''];
const form = fc.record({
  dtype: fc.constantFrom(...(Object.keys(arrays) as (keyof typeof arrays)[])),
  shape: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
});
const names = fc.uniqueArray(fc.oneof(fc.constantFrom(...tricky), fc.string()), {
  minLength: 1,
  maxLength: 4,
});
/** One field, a list of them, or a record. */
const side = fc.oneof(
  form.map(
    (one) =>
      (rows: number, seed: number): Structure<Source> =>
        sourceOf(rows, one.dtype, one.shape, seed),
  ),
  fc
    .tuple(fc.constantFrom('list', 'record'), names, fc.array(form, { minLength: 4, maxLength: 4 }))
    .map(([kind, names, forms]) => (rows: number, seed: number): Structure<Source> => {
      const fields = names.map((_, i) => {
        const { dtype, shape } = forms[i] as (typeof forms)[number];
        return sourceOf(rows, dtype, shape, seed + i);
      });
      return kind === 'list'
        ? fields
        : Object.fromEntries(names.map((name, i) => [name, fields[i] as Source]));
    }),
);

/** Checks that a side of a batch has the form of its source, and the rows of it at the indices. */
function expectRows(found: unknown, source: Structure<Source>, indices: readonly number[]): void {
  const [all, expected] = [partsOf(found, { accepts: isSource }), partsOf(source, { accepts: isSource })];
  expect(all.map(([place]) => place)).toEqual(expected.map(([place]) => place));
  expect(Array.isArray(found)).toBe(Array.isArray(source));
  for (const [place, field] of expected) {
    const [length = 0, ...shape] = field.shape;
    const size = field.data.length / length;
    const { data: values, shape: of } = new Map(all).get(place) as Source;
    expect(of).toEqual([indices.length, ...shape]);
    expect(values.constructor).toBe(field.data.constructor);
    expect([...values]).toEqual(
      indices.flatMap((row) => [...field.data.subarray(row * size, (row + 1) * size)]),
    );
  }
}

describe('the columns of a data set', () => {
  it('have the rows of their fields in each batch, whatever they are named and however many there are', () => {
    const given = fc.record({
      inputs: side,
      targets: side,
      weighted: fc.boolean(),
      rows: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 10 }),
      shuffle: fc.boolean(),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(given, ({ rows, batchSize, shuffle, seed, weighted, ...sides }) => {
        const [inputs, targets] = [sides.inputs(rows, seed), sides.targets(rows, seed + 50)];
        const weights = sourceOf(rows, 'float32', [], seed + 100);
        const set = data.fromArrays(inputs, targets, weighted ? { weights } : {});
        const seen = [];
        for (const batch of data.batches(set, { batchSize, shuffle, seed })) {
          const indices = [...batch.indices];
          expectRows(batch.inputs, inputs, indices);
          expectRows(batch.targets, targets, indices);
          if (weighted) expectRows(batch.weights, weights, indices);
          else expect(batch).not.toHaveProperty('weights');
          seen.push(...indices);
        }
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  const inputs = { user: sourceOf(6, 'int32', [], 1), image: sourceOf(6, 'uint8', [2, 2, 1], 2) };
  const targets = [sourceOf(6, 'float32', [3], 3), sourceOf(6, 'int32', [], 4)];
  const weights = { 1: sourceOf(6, 'float32', [], 5) };
  const set = data.fromArrays(inputs, targets, { weights });
  const whole = (of: data.AnyDataset) => [...data.batches(of, { batchSize: 64 })][0] as data.AnyBatch;

  it('are all taken, picked and split together', () => {
    expect(set.loaded).toMatchObject({
      inputs: { user: { dtype: 'int32', shape: [] }, image: { dtype: 'uint8', shape: [2, 2, 1] } },
      targets: [
        { dtype: 'float32', shape: [3] },
        { dtype: 'int32', shape: [] },
      ],
      weights: { 1: { dtype: 'float32', shape: [] } },
    });
    const [first, second] = set.split(0.5, 1);
    const order = [...whole(first).indices, ...whole(second).indices];
    expect(order).toEqual([0, 1, 2, 0, 1, 2]);
    for (const [part, rows] of [
      [set.take(4), [0, 1, 2, 3]],
      [set.subset([5, 0, 5]), [5, 0, 5]],
    ] as const) {
      expectRows(whole(part).inputs, inputs, rows);
      expectRows(whole(part).targets, targets, rows);
      expectRows(whole(part).weights, weights, rows);
    }
    const both = [first, second].flatMap((part) => [
      ...(whole(part).inputs as unknown as typeof inputs).user.data,
    ]);
    expect(both.sort()).toEqual([...inputs.user.data].sort());
  });

  it('may be in files, beside others in memory', async () => {
    const dir = folder();
    const path = join(dir, 'image');
    writeFileSync(path, inputs.image.data);
    const image = data.mapFile(path, { dtype: 'uint8', shape: [2, 2, 1] });
    const mixed = data.fromArrays({ user: inputs.user, image }, targets, { weights });
    expect([...data.batches(mixed, { batchSize: 4, shuffle: true })]).toEqual([
      ...data.batches(set, { batchSize: 4, shuffle: true }),
    ]);
    const stored = {
      users: ['int32', inputs.user],
      images: ['uint8', inputs.image],
      a: ['float32', targets[0]],
      b: ['int32', targets[1]],
      w: ['float32', weights[1]],
    };
    const named = Object.entries(stored).map(([name, [dtype, source]]) => [
      name,
      { dtype, ...(source as Source) },
    ]);
    const file = join(dir, 'all.safetensors');
    await io.writeSafetensors(file, Object.fromEntries(named));
    const mapped = await data.mapSafetensors(file, {
      inputs: { user: 'users', image: 'images' },
      targets: ['a', 'b'],
      weights: { 1: 'w' },
    });
    expect([...data.batches(mapped, { batchSize: 4, shuffle: true })]).toEqual([
      ...data.batches(set, { batchSize: 4, shuffle: true }),
    ]);
    expectRows(whole(mapped.take(3)).inputs, inputs, [0, 1, 2]);
    expect(mapped.subset([2]).weights).toMatchObject({ 1: { data: weights[1].data.subarray(2, 3) } });
  });

  it('are converted by options of each', () => {
    const lists = data.fromArrays(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { label: [0, 1, 2], size: [0.5, 1, 2] },
      { inputs: [{ dtype: 'int32' }, { shape: [1] }], targets: { size: { dtype: 'float64' } } },
    );
    expect(lists.inputs).toMatchObject([
      { dtype: 'int32', shape: [], data: Int32Array.of(1, 2, 3) },
      { dtype: 'float32', shape: [1], data: Float32Array.of(4, 5, 6) },
    ]);
    expect(lists.targets).toMatchObject({
      label: { dtype: 'int32', data: Int32Array.of(0, 1, 2) },
      size: { dtype: 'float64', data: Float64Array.of(0.5, 1, 2) },
    });
    // Without options for each, arrays in an array are samples.
    expect(data.fromArrays([new Float32Array(3), new Float32Array(3)], [0, 1]).loaded.inputs).toMatchObject({
      shape: [3],
    });
    expect(data.fromArrays({ user: [1, 2] }, [0, 1], { inputs: {} }).length).toBe(2);
  });
});

describe('columns are refused', () => {
  const one =
    (inputs: unknown, options: unknown = {}, targets: unknown = [0, 1]) =>
    () =>
      Reflect.apply(data.fromArrays, data, [inputs, targets, options]);
  const source = 'must be arrays, a typed array, or { data, shape }';
  it.each<[string, () => unknown, string]>([
    ['an empty record', one({}), 'fromArrays: inputs must not be empty, got an object'],
    ['records in a record', one({ a: { b: [1, 2] } }), `fromArrays: inputs.a ${source}, got an object`],
    ['no values', one({ a: [1, 2], b: undefined }), `fromArrays: inputs.b ${source}, got undefined`],
    [
      'a promise',
      one({ a: Promise.resolve([]) }),
      `fromArrays: inputs.a ${source}; a promise needs await first`,
    ],
    [
      'a Map',
      one(new Map([['a', [1, 2]]])),
      `fromArrays: inputs ${source}, or a record of these by name, got an instance of Map`,
    ],
    [
      'numbers in a list of fields',
      one([1, 2], { inputs: [{}, {}] }),
      `fromArrays: inputs[0] ${source}, got 1`,
    ],
    [
      'a hole in it',
      one(Object.assign([[1, 2]], { 2: [1, 2] }), { inputs: [{}, {}, {}] }),
      `fromArrays: inputs[1] ${source}, got undefined`,
    ],
    [
      'rows that differ',
      one({ a: [1, 2], b: [1, 2, 3] }),
      'dataset: inputs.a and inputs.b must have as many samples, got 2 and 3',
    ],
    [
      'rows of a target that differ',
      one([1, 2], {}, { a: [0, 1, 2] }),
      'dataset: inputs and targets.a must have as many samples, got 2 and 3',
    ],
    [
      'ragged ones',
      one({ a: [[1], [2, 3]] }),
      'fromArrays: sample 1 of inputs.a must have shape [1], got [2]',
    ],
    [
      'fractions as labels',
      one([1, 2], {}, { a: [0, 0.5] }),
      'fromArrays: sample 1 of targets.a must hold int32 integers',
    ],
    [
      'options of none of them',
      one({ user: [1, 2] }, { inputs: { usr: {} } }),
      'fromArrays: unknown input inputs.usr; did you mean inputs.user? (the inputs are user)',
    ],
    [
      'options of too many',
      one([[1, 2]], { inputs: [{}, {}] }),
      'fromArrays: unknown input inputs.1; the inputs are 0',
    ],
    [
      'unknown options of one',
      one({ user: [1, 2] }, { inputs: { user: { dtpye: 'int32' } } }),
      'fromArrays: unknown option inputs.user.dtpye; did you mean inputs.user.dtype?',
    ],
    [
      'bad options of one',
      one([[1, 2]], { inputs: [{ dtype: 'int33' }] }),
      'fromArrays: inputs[0].dtype must be one of float32',
    ],
    [
      'options of all',
      one({ user: [1, 2] }, { inputs: { dtype: 'int32' } }),
      'fromArrays: the options of inputs, which are several, must be given for each, as { user: { ... } }, got an object',
    ],
    [
      'options by name for one field',
      one([1, 2], { inputs: { user: {} } }),
      'fromArrays: the options of inputs, which are one field, must be { shape, dtype }, got an object',
    ],
    [
      'sources in place of fields',
      () => Reflect.construct(data.Dataset, [{ a: [[1]] }, { b: [1] }]),
      'Dataset: inputs.a must be samples { dtype, shape, data }',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('of names that are no strings, or that the file lacks', async () => {
    const file = join(folder(), 'x.safetensors');
    await io.writeSafetensors(file, { a: { dtype: 'float32', shape: [2], data: new Float32Array(2) } });
    const mapped = (names: unknown) =>
      Reflect.apply(data.mapSafetensors, data, [file, names]) as Promise<unknown>;
    await expect(mapped({ inputs: { x: 3 }, targets: 'a' })).rejects.toThrow(
      'mapSafetensors: names.inputs.x must be a string, got 3',
    );
    await expect(mapped({ inputs: [], targets: 'a' })).rejects.toThrow(
      'mapSafetensors: names.inputs must not be empty, got []',
    );
    await expect(mapped({ inputs: { x: 'b' }, targets: 'a' })).rejects.toThrow(
      'has no tensor b; its tensors are a',
    );
    expect(isSeveral(await mapped({ inputs: ['a'], targets: 'a' }))).toBe(false);
  });
});

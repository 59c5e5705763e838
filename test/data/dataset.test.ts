import { describe, expect, it } from 'vitest';
import { batches } from '#lib/data/batches.js';
import type { Dataset } from '#lib/data/dataset.js';
import { fromArrays } from '#lib/data/from-arrays.js';

const xor = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

/** Sample i is [2i, 2i + 1] with label i. */
const counting = (n: number): Dataset =>
  fromArrays(
    Float32Array.from({ length: 2 * n }, (_, i) => i),
    Int32Array.from({ length: n }, (_, i) => i),
    { inputs: { shape: [2] } },
  );

describe('fromArrays', () => {
  it('reads nested arrays as float32 and a flat list of targets as int32 labels', () => {
    const dataset = fromArrays(xor, [0, 1, 1, 0]);
    expect(dataset.length).toBe(4);
    expect(dataset.inputs).toEqual({ dtype: 'float32', shape: [2], data: Float32Array.from(xor.flat()) });
    expect(dataset.targets).toEqual({ dtype: 'int32', shape: [], data: Int32Array.of(0, 1, 1, 0) });
    expect(dataset.inputs.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(dataset.targets.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('takes a dtype and a shape', () => {
    const dataset = fromArrays([[[1, 2]], [[3, 4]]], [0.5, 1], {
      inputs: { shape: [2], dtype: 'uint8' },
      targets: { dtype: 'float64' },
    });
    expect(dataset.inputs).toEqual({ dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 2, 3, 4) });
    expect(dataset.targets).toEqual({ dtype: 'float64', shape: [], data: Float64Array.of(0.5, 1) });
  });

  it('takes typed arrays, one per sample or all in one, and data with a shape', () => {
    const rows = fromArrays([Uint8Array.of(1, 2), Buffer.from([3, 4])], [[0.5], [1]]);
    expect(rows.inputs).toEqual({ dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 2, 3, 4) });
    expect(rows.targets).toEqual({ dtype: 'float32', shape: [1], data: Float32Array.of(0.5, 1) });
    const whole = fromArrays({ data: new Float64Array(6), shape: [2, 3] }, Uint8Array.of(0, 1), {
      targets: { dtype: 'bool' },
    });
    expect(whole.inputs).toMatchObject({ dtype: 'float64', shape: [3] });
    expect(whole.targets).toEqual({ dtype: 'bool', shape: [], data: Uint8Array.of(0, 1) });
  });

  it('copies once, and shared memory not at all', () => {
    const own = new Float32Array(4);
    const shared = new Float32Array(new SharedArrayBuffer(16));
    const dataset = fromArrays(own, shared, { inputs: { shape: [1] } });
    own[0] = 1;
    expect(dataset.inputs.data[0]).toBe(0);
    expect(dataset.targets.data).toBe(shared);
  });

  const shaped = { inputs: { shape: [2] } };
  it.each<[string, () => unknown, string]>([
    ['no samples', () => fromArrays([], []), 'dataset: needs at least one sample, got 0'],
    ['no elements', () => fromArrays(new Float32Array(0), [], shaped), 'dataset: needs at least one sample'],
    [
      'lengths that differ',
      () => fromArrays(xor, [0, 1]),
      'dataset: inputs and targets must have as many samples, got 4 and 2',
    ],
    [
      'ragged rows',
      () => fromArrays([[1, 2], [3]], [0, 1]),
      'fromArrays: sample 1 of inputs must have shape [2], got [1]',
    ],
    [
      'rows ragged inside',
      () =>
        fromArrays(
          [
            [[1], [2]],
            [[1], [2, 3]],
          ],
          [0, 1],
        ),
      'sample 1 of inputs must have shape [2,1], got a ragged array',
    ],
    [
      'rows that are deeper',
      () =>
        fromArrays(
          [
            [1, 2],
            [[1], [2]],
          ],
          [0, 1],
        ),
      'sample 1 of inputs must have shape [2], got [2,1]',
    ],
    [
      'rows that are flatter',
      () => fromArrays([[1, 2], 3], [0, 1]),
      'sample 1 of inputs must have shape [2], got []',
    ],
    [
      'rows of other typed lengths',
      () => fromArrays([new Float32Array(2), new Float32Array(3)], [0, 1]),
      'sample 1 of inputs must have shape [2], got [3]',
    ],
    [
      'typed rows that are flatter',
      () => fromArrays([[[1], [2]], Float32Array.of(1, 2)], [0, 1]),
      'sample 1 of inputs must have shape [2,1], got [2]',
    ],
    ['empty rows', () => fromArrays([[], []], [0, 1]), 'the samples of inputs must not be empty, got [0]'],
    [
      'holes',
      () => fromArrays([[1, 2]], new Array(1)),
      'sample 0 of targets must hold numbers only, got undefined',
    ],
    [
      'text',
      () => fromArrays(JSON.parse('[["1"]]'), [0]),
      "sample 0 of inputs must hold numbers only, got '1'",
    ],
    [
      'NaN labels',
      () => fromArrays(xor, [0, 1, Number.NaN, 0]),
      'sample 2 of targets must hold int32 integers from -2147483648 to 2147483647; for real numbers give targets a dtype, got NaN',
    ],
    ['fractional labels', () => fromArrays(xor, [0, 1, 0.5, 0]), 'got 0.5'],
    [
      'bytes out of range',
      () => fromArrays([256], [0], { inputs: { dtype: 'uint8' } }),
      'sample 0 of inputs must hold uint8 integers from 0 to 255, got 256',
    ],
    [
      'bool that is 2',
      () => fromArrays(Uint8Array.of(0, 2), [0, 1], { inputs: { shape: [], dtype: 'bool' } }),
      'sample 1 of inputs must hold bool integers from 0 to 1, got 2',
    ],
    [
      'another dtype that does not hold the values',
      () => fromArrays(Float64Array.of(1, 2, 3, 0.5), [0, 1], { inputs: { shape: [2], dtype: 'int32' } }),
      'fromArrays: sample 1 of inputs must hold int32 integers from -2147483648 to 2147483647, got 0.5',
    ],
    [
      'another dtype of data that does not hold the values',
      () => fromArrays({ data: Int32Array.of(1, 256), shape: [2], dtype: 'uint8' }, [0, 1]),
      'sample 1 of inputs must hold uint8 integers from 0 to 255, got 256',
    ],
    [
      'bytes in no array',
      () => fromArrays(new DataView(new ArrayBuffer(4)) as never, [0, 1], { inputs: { shape: [2] } }),
      'fromArrays: inputs must be an array of numbers, as a Float32Array, got DataView of 4 bytes',
    ],
    [
      'an unknown dtype',
      () => fromArrays(xor, [0], { inputs: JSON.parse('{"dtype":"float16"}') }),
      'fromArrays: inputs.dtype must be one of float32, float64, int32, uint8, bool, got float16',
    ],
    [
      'an unknown array',
      () => fromArrays(JSON.parse('3'), [0]),
      'inputs must be arrays, a typed array, or { data, shape }, or a record of these by name, got 3',
    ],
    [
      'inputs with no shape',
      () => fromArrays(new Float32Array(4), [0]),
      'inputs need the shape of one sample: { inputs: { shape: [...] } }',
    ],
    [
      'half a sample',
      () => fromArrays(new Float32Array(3), [0], shaped),
      'the elements of inputs must make whole samples of shape [2], got 3 elements',
    ],
    [
      'a shape that does not fit',
      () => fromArrays(xor, [0], { inputs: { shape: [3] } }),
      'each sample of inputs must fill shape [3], got [2]',
    ],
    [
      'a bad shape',
      () => fromArrays(xor, [0], { inputs: { shape: [0] } }),
      'fromArrays: inputs.shape must be an array of positive integers, got [0]',
    ],
    [
      'data of another size',
      () => fromArrays({ data: new Float32Array(4), shape: [3] }, [0]),
      'inputs of shape [3] have 3 elements, got 4',
    ],
  ])('refuses %s', (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe('Dataset', () => {
  it('takes the head without a copy', () => {
    const dataset = counting(5);
    const head = dataset.take(2);
    expect(head.length).toBe(2);
    expect(head.inputs.data).toEqual(Float32Array.of(0, 1, 2, 3));
    expect(head.inputs.data.buffer).toBe(dataset.inputs.data.buffer);
    expect(dataset.take(9).length).toBe(5);
    expect(() => dataset.take(0)).toThrow('take: n must be a positive integer, got 0');
  });

  it('picks samples in the order given', () => {
    const picked = counting(5).subset([4, 0, 4]);
    expect(picked.inputs.data).toEqual(Float32Array.of(8, 9, 0, 1, 8, 9));
    expect(picked.targets.data).toEqual(Int32Array.of(4, 0, 4));
    expect(() => counting(5).subset([5])).toThrow('subset: an index must be an integer from 0 to 4, got 5');
    expect(() => counting(5).subset([])).toThrow('needs at least one sample');
  });

  it('splits at random, by the seed, with every sample in one part', () => {
    const [first, second] = counting(10).split(0.8, 1);
    expect([first.length, second.length]).toEqual([8, 2]);
    const labels = [...first.targets.data, ...second.targets.data];
    expect(labels).not.toEqual(labels.toSorted((a, b) => a - b));
    expect(labels.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counting(10).split(0.8, 1)[1].targets).toEqual(second.targets);
    expect(counting(10).split(0.8, 2)[1].targets).not.toEqual(second.targets);
    expect(counting(3).split(0.01)[0].length).toBe(1);
    expect(() => counting(3).split(1)).toThrow('split: fraction must be a number between 0 and 1, got 1');
    expect(() => counting(1).split(0.5)).toThrow('split: needs at least two samples, got 1');
  });

  it('passes to another thread as plain data over the same memory', () => {
    const { inputs } = counting(3);
    expect(structuredClone(inputs)).toEqual(inputs);
  });
});

describe('batches', () => {
  it('walks through the samples in order', () => {
    const sequence = batches(counting(5), { batchSize: 2 });
    expect(sequence.length).toBe(3);
    const [first, , last] = [...sequence];
    expect(first?.inputs).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(0, 1, 2, 3) });
    expect(last?.inputs).toEqual({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(8, 9) });
    expect(last?.targets).toEqual({ dtype: 'int32', shape: [1], data: Int32Array.of(4) });
  });

  it('leaves out a last batch that is not full', () => {
    expect([...batches(counting(5), { batchSize: 2, dropLast: true })].length).toBe(2);
    expect(() => batches(counting(5), { batchSize: 6, dropLast: true })).toThrow(
      'batches: with dropLast, batchSize must be at most the 5 samples, got 6',
    );
  });

  it('shuffles by seed and epoch, inputs along with targets', () => {
    const dataset = counting(50);
    const order = (seed: number, epoch: number) =>
      [...batches(dataset, { batchSize: 7, shuffle: true, seed, epoch })].flatMap(
        ({ inputs, targets, indices }) => {
          expect([...inputs.data]).toEqual([...targets.data].flatMap((label) => [2 * label, 2 * label + 1]));
          expect(targets.data).toEqual(indices);
          return [...indices];
        },
      );
    const once = order(1, 0);
    expect(once.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(order(1, 0)).toEqual(once);
    expect(order(2, 0)).not.toEqual(once);
    expect(order(1, 1)).not.toEqual(once);
  });

  it('gives copies', () => {
    const dataset = counting(4);
    const [batch] = [...batches(dataset)];
    batch?.inputs.data.fill(9);
    expect(dataset.inputs.data[0]).toBe(0);
  });

  it('refuses bad options before the first batch', () => {
    expect(() => batches(counting(4), { batchSize: 0 })).toThrow(
      'batches: batchSize must be a positive integer, got 0',
    );
    expect(() => batches(counting(4), { epoch: -1 })).toThrow(
      'batches: epoch must be a non-negative integer, got -1',
    );
    expect(() => batches(counting(4), { seed: 0.5 })).toThrow('batches: seed must be an integer, got 0.5');
  });
});

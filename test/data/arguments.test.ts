import { join } from 'node:path';
import { data, formatBytes, formatHealth, formatPlan, formatProfile, io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();

const samples = data.fromArrays([[0], [1], [2], [3]], [0, 1, 0, 1]);
const call = (fn: unknown, ...args: readonly unknown[]) => Reflect.apply(fn as () => unknown, samples, args);

describe('functions of data refuse', () => {
  it.each<[string, unknown, readonly unknown[], string]>([
    [
      'fromArrays',
      data.fromArrays,
      [],
      'inputs must be arrays, a typed array, or { data, shape }, or a record of these by name, got undefined',
    ],
    [
      'fromArrays',
      data.fromArrays,
      [[[1]]],
      'targets must be arrays, a typed array, or { data, shape }, or a record of these by name',
    ],
    [
      'fromArrays',
      data.fromArrays,
      [[[1]], [1], { shape: [1] }],
      'unknown option shape; the options are inputs',
    ],
    [
      'fromArrays',
      data.fromArrays,
      [[[1]], [1], { inputs: { type: 'uint8' } }],
      'did you mean inputs.dtype?',
    ],
    ['fromArrays', data.fromArrays, [[[1]], [1], {}, 1], 'takes inputs, targets and options alone, got 1'],
    [
      'batches',
      data.batches,
      [samples, { batch_size: 2 }],
      'unknown option batch_size; did you mean batchSize?',
    ],
    [
      'batches',
      data.batches,
      [samples, 2],
      'batches: options must be a plain object such as { batchSize: 2 }, got 2',
    ],
    [
      'batches',
      data.batches,
      [[1, 2]],
      'dataset must be a Dataset, as data.fromArrays() makes, or a stream, as data.stream() makes, got [1,2]',
    ],
    ['split', samples.split, ['0.5'], "fraction must be a number between 0 and 1, got '0.5'"],
    ['split', samples.split, [0.5, null], 'seed must be an integer, got null'],
    ['take', samples.take, [], 'n must be a positive integer, got undefined'],
    [
      'subset',
      samples.subset,
      [3],
      'indices must be an array of indices, or another iterable of them, got 3',
    ],
    ['subset', samples.subset, ['12'], 'indices must be an array of indices, or another iterable of them'],
    ['transform', samples.transform, [data.flip()], 'transforms must be an array of transforms'],
    ['flip', data.flip, [{ p: 0.5 }], 'unknown option p; the options are horizontal, vertical, probability'],
    ['crop', data.crop, [], 'options must be a plain object, got undefined'],
    [
      'normalize',
      data.normalize,
      [{ mean: 0 }],
      'std must be a positive number or an array of positive numbers',
    ],
    ['custom', data.custom, [3], 'path must be a path or a URL, got 3'],
    ['custom', data.custom, [new URL('file://host/x.js')], 'the URL must be that of a file'],
    ['mapFile', data.mapFile, ['x', { dtype: 'uint8' }], 'shape must be an array of positive integers'],
    ['stream', data.stream, [[], { inputs: { shape: [1] } }], 'open must be a function'],
    [
      'stream',
      data.stream,
      [() => [], { inputs: [1] }],
      'stream: inputs must be a plain object such as { shape: ... }, got [1]',
    ],
  ])('%s %#', (name, fn, args, message) => {
    expect(() => call(fn, ...args)).toThrow(message);
    expect(() => call(fn, ...args)).toThrow(new RegExp(`^${name}: `));
  });

  it.each<[string, unknown, readonly unknown[], string]>([
    [
      'mnist',
      data.mnist,
      ['digits'],
      'mnist: options must be a plain object such as { dir: ... }, got digits',
    ],
    ['mnist', data.mnist, [{ path: 'digits' }], 'unknown option path; did you mean dir?'],
    ['readIdx', data.readIdx, [], 'path must be a path, got undefined'],
    ['readIdx', data.readIdx, ['a\0b'], 'path must be a path, got a'],
    [
      'mapSafetensors',
      data.mapSafetensors,
      ['x', { inputs: 'a' }],
      'names.targets must be a string, or a list or a record of names, got undefined',
    ],
    ['readSafetensors', io.readSafetensors, [3], 'file must be a path or the bytes of a file, got 3'],
    [
      'writeSafetensors',
      io.writeSafetensors,
      ['x', new Map()],
      'tensors must be an object of { dtype, shape',
    ],
    [
      'writeSafetensors',
      io.writeSafetensors,
      ['x', []],
      'tensors must be an object of { dtype, shape, data } by',
    ],
    ['writeSafetensors', io.writeSafetensors, ['x', {}, 'epoch 3'], 'metadata must be an object of strings'],
  ])('%s %#', async (name, fn, args, message) => {
    await expect(call(fn, ...args)).rejects.toThrow(message);
    await expect(call(fn, ...args)).rejects.toThrow(new RegExp(`^${name}: `));
  });

  it('a tensor that is none, by its name', async () => {
    const path = join(folder(), 'x.safetensors');
    await expect(call(io.writeSafetensors, path, { w: [1, 2] })).rejects.toThrow(
      'safetensors: tensor w: the tensor must be { dtype, shape, data }, got [1,2]',
    );
  });

  it('constructors', () => {
    expect(() => Reflect.construct(data.Dataset, [[[1]], [1]])).toThrow(
      'Dataset: inputs[0] must be samples { dtype',
    );
    expect(() => Reflect.construct(data.Dataset, [samples.inputs, samples.targets, [], 1])).toThrow(
      'Dataset: weights must be samples { dtype',
    );
    expect(() => Reflect.construct(data.MappedField, ['uint8', [1], 'x'])).toThrow(
      'MappedField: mapped must be a plain object such as { path: ... }, got x',
    );
  });

  it('reports that are none', () => {
    for (const [name, fn] of Object.entries({ formatHealth, formatPlan, formatProfile, formatBytes })) {
      for (const given of [undefined, null, {}, [], 'x', () => 1, { layers: [1] }]) {
        expect(() => call(fn, given)).toThrow(new RegExp(`^${name}: \\w+ must be a `));
      }
    }
  });
});

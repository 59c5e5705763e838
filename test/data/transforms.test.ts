import { describe, expect, it } from 'vitest';
import { beta, sampleRandom } from '#lib/data/random.js';
import { SampleLoader } from '#lib/data/sample-loader.js';
import { data } from '#lib/index.js';
import { expectClose } from '../helpers/close.js';
import {
  type Draws,
  type Image,
  imageOf,
  naiveAffine,
  naiveCrop,
  naiveCutout,
  naiveFlip,
  naiveJitter,
  naiveNoise,
  numbersOf,
} from '../helpers/naive/augment.js';
import { hashIntegers, hashUniform } from '../helpers/random-graph/random.js';

const COUNT = 12;
const EPOCH = 3;
const SEED = 2 ** 40 + 7;
const labels = hashIntegers(COUNT, 1, 5);

/** Images of bytes, or of numbers from 0 to 1. */
function images(shape: readonly number[], dtype: 'uint8' | 'float32' | 'float64' = 'uint8'): data.Dataset {
  const size = COUNT * shape.reduce((a, b) => a * b, 1);
  const values =
    dtype === 'uint8'
      ? Uint8Array.from(hashIntegers(size, 2, 256))
      : dtype === 'float32'
        ? Float32Array.from(hashUniform(size, 3))
        : Float64Array.from(hashUniform(size, 3));
  return data.fromArrays(values, Int32Array.from(labels), { inputs: { shape } });
}

/** All samples of an epoch, as they are stored and as they are loaded. */
function load(dataset: data.Dataset): { stored: Image[]; loaded: number[][] } {
  const { shape } = dataset.inputs;
  const [batch] = [...data.batches(dataset, { batchSize: COUNT, seed: SEED, epoch: EPOCH })];
  const result = batch?.inputs.data as Float32Array;
  expect(result).toBeInstanceOf(Float32Array);
  const [before, after] = [dataset.inputs.data.length / COUNT, result.length / COUNT];
  return {
    stored: Array.from({ length: COUNT }, (_, i) =>
      imageOf(dataset.inputs.data.subarray(i * before, (i + 1) * before), shape),
    ),
    loaded: Array.from({ length: COUNT }, (_, i) => [...result.subarray(i * after, (i + 1) * after)]),
  };
}

function compare(
  dataset: data.Dataset,
  naive: (image: Image, draws: Draws) => Image,
  relative: number,
): number[][] {
  const { stored, loaded } = load(dataset);
  stored.forEach((image, index) => {
    const expected = numbersOf(naive(image, { seed: SEED, epoch: EPOCH, position: 0, index }));
    expectClose(`sample ${index}`, loaded[index] as number[], expected, { relative });
  });
  return loaded;
}

const distinct = (rows: number[][]) => new Set(rows.map((row) => row.join())).size;

describe('transforms are their naive definitions', () => {
  it.each(['uint8', 'float32', 'float64'] as const)('flip of %s', (dtype) => {
    const set = images([4, 5, 3], dtype).transform([data.flip({ vertical: true, probability: 0.6 })]);
    compare(set, (image, draws) => naiveFlip(image, [0.6, 0.6], draws), 1e-7);
  });

  it.each([
    ['constant', [6, 7]],
    ['edge', [6, 7]],
    ['reflect', [9, 4]],
    ['symmetric', [10, 12]],
  ] as const)('crop with padding %s', (mode, size) => {
    const set = images([6, 7, 3]).transform([data.crop({ size, padding: [2, 3], mode, fill: 9 })]);
    const given = { size: [...size] as [number, number], padding: [2, 3] as [number, number], mode, fill: 9 };
    expect(set.loaded.inputs).toEqual({ shape: [...size, 3], dtype: 'float32' });
    compare(set, (image, draws) => naiveCrop(image, given, draws), 0);
  });

  it('crop that lies wholly in the padding', () => {
    const set = images([2, 2, 1]).transform([data.crop({ size: 1, padding: 5, fill: -1 })]);
    const given = {
      size: [1, 1] as [number, number],
      padding: [5, 5] as [number, number],
      mode: 'constant',
      fill: -1,
    };
    compare(set, (image, draws) => naiveCrop(image, given, draws), 0);
  });

  it('affine', () => {
    const given = {
      degrees: [-170, 100] as [number, number],
      translate: [0.2, 0.3] as [number, number],
      scale: [0.5, 1.5] as [number, number],
      shear: [
        [-30, 30],
        [-5, 10],
      ] as [[number, number], [number, number]],
      fill: 40,
    };
    const set = images([9, 12, 2]).transform([data.affine(given)]);
    const loaded = compare(set, (image, draws) => naiveAffine(image, given, draws), 1e-5);
    expect(distinct(loaded)).toBe(COUNT);
  });

  it('affine by 90 degrees moves whole pixels', () => {
    const set = images([5, 5, 1]).transform([data.affine({ degrees: [90, 90] })]);
    const { stored, loaded } = load(set);
    // A positive angle turns clockwise on the screen, as in torchvision.
    const turned = numbersOf({
      ...(stored[0] as Image),
      at: (y, x, c) => (stored[0] as Image).at(4 - x, y, c),
    });
    expectClose('turned', loaded[0] as number[], turned, { relative: 1e-5 });
  });

  it.each([
    ['uint8', 255],
    ['float32', 1],
  ] as const)('colorJitter of %s', (dtype, bound) => {
    const ranges: [[number, number], [number, number], [number, number]] = [
      [0.6, 1.4],
      [0.5, 1.5],
      [0.2, 1.8],
    ];
    const set = images([5, 6, 3], dtype).transform([
      data.colorJitter({ brightness: 0.4, contrast: 0.5, saturation: [0.2, 1.8] }),
    ]);
    const loaded = compare(set, (image, draws) => naiveJitter(image, ranges, bound, draws), 1e-5);
    expect(Math.max(...loaded.flat())).toBe(bound);
  });

  it('colorJitter of one channel', () => {
    const ranges: [[number, number], [number, number], [number, number]] = [
      [0.6, 1.4],
      [1, 1],
      [1, 1],
    ];
    const set = images([5, 6, 1]).transform([data.colorJitter({ brightness: 0.4 })]);
    compare(set, (image, draws) => naiveJitter(image, ranges, 255, draws), 1e-6);
  });

  it.each([1, 3, 11])('normalize of %i channels', (channels) => {
    const mean = hashUniform(channels, 4);
    const std = hashUniform(channels, 5).map((value) => value + 0.1);
    const exact = (divisor: number) => (image: Image) => ({
      ...image,
      at: (y: number, x: number, c: number) =>
        Math.fround(
          Math.fround(Math.fround(image.at(y, x, c) / divisor) - Math.fround(mean[c] as number)) /
            Math.fround(std[c] as number),
        ),
    });
    compare(images([5, 7, channels]).transform([data.normalize({ mean, std })]), exact(255), 0);
    compare(images([5, 7, channels], 'float32').transform([data.normalize({ mean, std })]), exact(1), 0);
    compare(images([5, 7, channels]).transform([data.normalize({ mean, std, divisor: 2 })]), exact(2), 0);
  });

  it('normalize of numbers that are no images', () => {
    const set = data
      .fromArrays(
        [
          [1, 2],
          [3, 6],
        ],
        [0, 1],
      )
      .transform([data.normalize({ mean: [1, 2], std: [2, 4] })]);
    const [batch] = [...data.batches(set)];
    expect(batch?.inputs).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(0, 0, 1, 1) });
    expect(batch?.targets).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(0, 1) });
  });

  it.each([3, 4])('cutout of %i pixels', (size) => {
    const set = images([6, 8, 2]).transform([data.cutout({ size, fill: -5 })]);
    compare(set, (image, draws) => naiveCutout(image, size, -5, draws), 0);
  });

  it('noise', () => {
    const set = images([17, 19, 3], 'float32').transform([data.noise({ std: 0.5 })]);
    const loaded = compare(set, (image, draws) => naiveNoise(image, 0.5, draws), 2e-6);
    const { stored } = load(set);
    const differences = loaded.flatMap((row, i) => {
      const before = numbersOf(stored[i] as Image);
      return row.map((value, k) => value - (before[k] as number));
    });
    const n = differences.length;
    const mean = differences.reduce((a, b) => a + b, 0) / n;
    const variance = differences.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    expect(Math.abs(mean)).toBeLessThan((4 * 0.5) / Math.sqrt(n));
    expect(Math.abs(variance / 0.25 - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  });

  it('all of them one after another', () => {
    const set = images([8, 9, 3]).transform([
      data.flip({ vertical: true }),
      data.colorJitter({ brightness: 0.3, contrast: 0.2, saturation: 0.4 }),
      data.flip(),
      data.affine({ degrees: 20, translate: [0.1, 0.1] }),
      data.flip(),
      data.crop({ size: [7, 8], padding: 1 }),
      data.cutout({ size: 3 }),
      data.flip({ vertical: true }),
      data.noise({ std: 2 }),
      data.normalize({ mean: [0.1, 0.2, 0.3], std: [1, 2, 3] }),
      data.flip(),
    ]);
    const still: [number, number] = [0, 0];
    compare(
      set,
      (image, draws) => {
        const at = (position: number): Draws => ({ ...draws, position });
        const half = (one: Image, p: number) => naiveFlip(one, [0.5, 0], at(p));
        let one = naiveFlip(image, [0.5, 0.5], at(0));
        one = naiveJitter(
          one,
          [
            [0.7, 1.3],
            [0.8, 1.2],
            [0.6, 1.4],
          ],
          255,
          at(1),
        );
        one = half(one, 2);
        const turn = {
          degrees: [-20, 20] as [number, number],
          translate: [0.1, 0.1] as [number, number],
          scale: [1, 1] as [number, number],
          shear: [still, still] as [[number, number], [number, number]],
          fill: 0,
        };
        one = half(naiveAffine(one, turn, at(3)), 4);
        one = naiveCrop(one, { size: [7, 8], padding: [1, 1], mode: 'constant', fill: 0 }, at(5));
        one = naiveFlip(naiveCutout(one, 3, 0, at(6)), [0.5, 0.5], at(7));
        const noisy = naiveNoise(one, 2, at(8));
        const [mean, std] = [[0.1, 0.2, 0.3] as const, [1, 2, 3] as const];
        const normal: Image = {
          ...noisy,
          at: (y, x, c) => (noisy.at(y, x, c) / 255 - (mean[c] as number)) / (std[c] as number),
        };
        return half(normal, 10);
      },
      1e-5,
    );
  });
});

describe('mixup', () => {
  const alpha = 0.4;

  /** The share of a batch, whose first sample is `first`. */
  const shareOf = (first: number) => beta(alpha, sampleRandom(SEED, EPOCH, 0, first));

  it('mixes each sample with the one before it in its batch, and labels as probabilities', () => {
    const set = images([2, 3, 1], 'float32').transform([data.mixup({ alpha, classes: 5 })]);
    expect(set.loaded.targets).toEqual({ shape: [5], dtype: 'float32' });
    for (const { inputs, targets, indices } of data.batches(set, {
      batchSize: 5,
      seed: SEED,
      epoch: EPOCH,
      shuffle: true,
    })) {
      const share = shareOf(indices[0] as number);
      const n = indices.length;
      const pixel = (i: number, k: number) => set.inputs.data[(indices[i] as number) * 6 + k] as number;
      const expected = Array.from({ length: 6 * n }, (_, at) => {
        const [i, k] = [Math.floor(at / 6), at % 6];
        return share * pixel(i, k) + (1 - share) * pixel((i + n - 1) % n, k);
      });
      expectClose('inputs', inputs.data, expected, { relative: 1e-6 });
      const classOf = (i: number) => labels[indices[i] as number] as number;
      const probabilities = Array.from({ length: 5 * n }, (_, at) => {
        const [i, k] = [Math.floor(at / 5), at % 5];
        return (classOf(i) === k ? share : 0) + (classOf((i + n - 1) % n) === k ? 1 - share : 0);
      });
      expectClose('targets', targets.data, probabilities, { relative: 1e-6 });
    }
  });

  it('mixes targets that are numbers', () => {
    const set = data
      .fromArrays([[0], [1], [2]], Float32Array.of(0, 10, 20))
      .transform([data.mixup({ alpha })]);
    const [batch] = [...data.batches(set, { seed: SEED, epoch: EPOCH })];
    const share = shareOf(0);
    const mixed = [0 * share + 2 * (1 - share), share, 2 * share + (1 - share)];
    expectClose('inputs', batch?.inputs.data as Float32Array, mixed, { relative: 1e-6 });
    expectClose(
      'targets',
      batch?.targets.data as Float32Array,
      mixed.map((v) => 10 * v),
      { relative: 1e-6 },
    );
  });

  it('draws shares from the Beta distribution', () => {
    for (const a of [0.2, 1, 3]) {
      const shares = Array.from({ length: 4000 }, (_, i) => beta(a, sampleRandom(1, 0, 0, i)));
      const mean = shares.reduce((x, y) => x + y, 0) / shares.length;
      const variance = shares.reduce((x, y) => x + (y - mean) ** 2, 0) / shares.length;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
      expect(Math.abs(variance * 4 * (2 * a + 1) - 1)).toBeLessThan(0.1);
    }
  });
});

describe('the same bits', () => {
  const augmented = images([8, 8, 3]).transform([
    data.flip(),
    data.crop({ padding: 2 }),
    data.affine({ degrees: 10 }),
    data.colorJitter({ brightness: 0.2, contrast: 0.2, saturation: 0.2 }),
    data.cutout({ size: 3 }),
    data.noise({ std: 0.1 }),
    data.mixup({ classes: 5 }),
  ]);
  const order = Int32Array.of(3, 11, 0, 7, 5, 2, 8, 1, 10, 4);
  const batch = { start: 1, count: 9 };

  it.each([1, 2, 3, 4, 5, 9])('in %i parts, each with a loader of its own', (parts) => {
    const whole = { inputs: new Float32Array(9 * 192), targets: new Float32Array(9 * 5) };
    SampleLoader.openNow(augmented.source, SEED).load({ order, batch, rows: batch, epoch: 2 }, whole);
    const inPieces = { inputs: new Float32Array(9 * 192), targets: new Float32Array(9 * 5) };
    for (let part = 0; part < parts; part++) {
      const [from, to] = [Math.floor((9 * part) / parts), Math.floor((9 * (part + 1)) / parts)];
      const rows = { start: 1 + from, count: to - from };
      SampleLoader.openNow(augmented.source, SEED).load(
        { order, batch, rows, epoch: 2 },
        { inputs: inPieces.inputs.subarray(from * 192), targets: inPieces.targets.subarray(from * 5) },
      );
    }
    expect(inPieces).toEqual(whole);
  });

  it('wherever a sample stands, and others in other epochs and with other seeds', () => {
    const set = images([8, 8, 3]).transform([data.crop({ padding: 3 }), data.noise({ std: 1 })]);
    const at = (options: data.BatchesOptions, index: number) => {
      for (const { inputs, indices } of data.batches(set, options)) {
        const found = indices.indexOf(index);
        if (found >= 0) return inputs.data.slice(found * 192, (found + 1) * 192);
      }
      throw new Error('not found');
    };
    const first = at({ batchSize: 4, seed: 1, epoch: 1 }, 6);
    expect(at({ batchSize: 5, seed: 1, epoch: 1, shuffle: true }, 6)).toEqual(first);
    expect(at({ batchSize: 4, seed: 1, epoch: 2 }, 6)).not.toEqual(first);
    expect(at({ batchSize: 4, seed: 2, epoch: 1 }, 6)).not.toEqual(first);
  });

  it('over the memory of the data set, which stays as it is', () => {
    const set = images([4, 4, 1]);
    const before = set.inputs.data.slice();
    const view = set.transform([data.noise({ std: 1 })]).transform([data.flip()]);
    expect(view.inputs).toBe(set.inputs);
    expect(view.source.transforms.inputs?.map(({ kind }) => kind)).toEqual(['noise', 'flip']);
    expect(view.take(3).transforms).toEqual(view.transforms);
    expect(view.subset([1]).transforms).toEqual(view.transforms);
    expect([...data.batches(view)].length).toBe(1);
    expect(set.inputs.data).toEqual(before);
    expect(structuredClone(view.transforms)).toEqual(view.transforms);
  });
});

import { describe, expect, it } from 'vitest';
import { data } from '#lib/index.js';
import { addon } from '#lib/runtime/addon.js';

const module = new URL('../helpers/programs/decode-sample.mjs', import.meta.url);

const of = (shape: number[], type: 'uint8' | 'float64' = 'uint8') =>
  data.fromArrays(
    type === 'uint8'
      ? new Uint8Array(2 * shape.reduce((a, b) => a * b, 1))
      : new Float64Array(2 * shape.reduce((a, b) => a * b, 1)),
    [0, 1],
    { inputs: { shape } },
  );
const images = of([4, 5, 3]);
const loosely = <A extends unknown[]>(fn: (...given: A) => unknown, ...given: unknown[]): unknown =>
  Reflect.apply(fn, undefined, given);

describe('transforms are refused at once', () => {
  it.each<[string, () => unknown, string]>([
    [
      'no list',
      () => loosely(images.transform.bind(images), data.flip()),
      'transform: transforms must be an array of transforms such as data.flip() or a record of such arrays by input, got an object',
    ],
    [
      'no transform',
      () => loosely(images.transform.bind(images), [5]),
      'transform: transforms must be an array of transforms such as data.flip() or a record of such arrays by input, got [5]',
    ],
    [
      'images of another rank',
      () => of([4, 5]).transform([data.flip()]),
      'flip: needs images of shape [height, width, channels], got [4,5]',
    ],
    [
      'a crop larger than the padded image',
      () => images.transform([data.crop({ size: [6, 8], padding: 1 })]),
      'crop: size must fit into the padded image of [6,7], got [6,8]',
    ],
    [
      'a crop larger than a crop before',
      () => images.transform([data.crop({ size: 3 }), data.crop({ size: 4 })]),
      'crop: size must fit into the padded image of [3,3], got [4,4]',
    ],
    [
      'a mirror image that is too large',
      () => images.transform([data.crop({ padding: [4, 1], mode: 'reflect' })]),
      'crop: padding must be at most 3 for this image, got 4',
    ],
    [
      'four channels of colour',
      () => of([4, 5, 4]).transform([data.colorJitter({ contrast: 0.1 })]),
      'colorJitter: needs images of one channel or three, got 4',
    ],
    [
      'means for other channels',
      () => images.transform([data.normalize({ mean: [0, 1], std: [1, 1] })]),
      'normalize: mean and std must have 1 or 3 numbers, got 2',
    ],
    [
      'something behind mixup',
      () => images.transform([data.mixup({ classes: 2 }), data.flip()]),
      'mixup: must stand behind all other transforms, once, got flip',
    ],
    [
      'labels of unknown classes',
      () => images.transform([data.mixup()]),
      'mixup: needs the number of classes, to mix labels',
    ],
    [
      'float64 targets to mix',
      () => data.fromArrays([[1]], Float64Array.of(1)).transform([data.mixup()]),
      'mixup: targets must be int32 or uint8 labels, or float32, got float64',
    ],
    [
      'an unknown option',
      () => loosely(data.flip, { p: 1 }),
      'flip: unknown option p; the options are horizontal, vertical, probability',
    ],
    [
      'a probability of 2',
      () => data.flip({ probability: 2 }),
      'flip: probability must be a number from 0 to 1, got 2',
    ],
    [
      'padding of -1',
      () => data.crop({ padding: -1 }),
      'crop: padding must be a non-negative integer or [rows, columns], got -1',
    ],
    [
      'an unknown mode',
      () => loosely(data.crop, { mode: 'wrap' }),
      "crop: mode must be 'constant', 'edge', 'reflect' or 'symmetric', got wrap",
    ],
    [
      'three sizes',
      () => loosely(data.crop, { size: [1, 2, 3] }),
      'crop: size must be a positive integer or [rows, columns], got [1,2,3]',
    ],
    [
      'a range upside down',
      () => data.affine({ degrees: [5, 1] }),
      'affine: degrees must be a non-negative number or [low, high] in rising order, got [5,1]',
    ],
    [
      'a scale of 0',
      () => data.affine({ scale: [0, 1] }),
      'affine: scale must be [low, high], positive numbers in rising order, got [0,1]',
    ],
    [
      'a shear of 90 degrees',
      () => data.affine({ shear: 90 }),
      'affine: shear must be degrees along x, or [x, y], each a non-negative number or [low, high] in rising order, from -89 to 89, got 90',
    ],
    [
      'a shift of 2 images',
      () => data.affine({ translate: [0, 2] }),
      'affine: translate must be [rows, columns], shares of height and width from 0 to 1, got [0,2]',
    ],
    [
      'a negative brightness',
      () => data.colorJitter({ brightness: [-1, 1] }),
      'colorJitter: brightness must be a non-negative number or [low, high] in rising order, at least 0, got [-1,1]',
    ],
    [
      'std of 0',
      () => data.normalize({ mean: 0, std: 0 }),
      'normalize: std must be a positive number or an array of positive numbers, got 0',
    ],
    [
      'unequal lists',
      () => data.normalize({ mean: [0, 1], std: 1 }),
      'normalize: mean and std must have as many numbers, got 2 and 1',
    ],
    [
      'a divisor of 0',
      () => data.normalize({ mean: 0, std: 1, divisor: 0 }),
      'normalize: divisor must be a positive number, got 0',
    ],
    ['a cutout of 0', () => data.cutout({ size: 0 }), 'cutout: size must be an integer from 1'],
    [
      'noise of NaN',
      () => data.noise({ std: Number.NaN }),
      'noise: std must be a non-negative number, got NaN',
    ],
    ['an alpha of 0', () => data.mixup({ alpha: 0 }), 'mixup: alpha must be a positive number, got 0'],
    [
      'a relative module',
      () => data.custom('./decode.mjs'),
      'custom: the module needs an absolute path or a file URL, got ./decode.mjs',
    ],
    [
      'a module that is not there',
      () => data.custom('/no/such/module.mjs'),
      'custom: there is no such module, got /no/such/module.mjs',
    ],
    [
      'options that are no data',
      () => data.custom(module, { options: () => 1 }),
      'custom: options must be plain data',
    ],
    [
      'an unknown policy',
      () => loosely(data.custom, module, { onBadItem: 'drop' }),
      "custom: onBadItem must be 'error' or 'skip', got drop",
    ],
    [
      'an unknown dtype',
      () => loosely(data.custom, module, { dtype: 'int32' }),
      "custom: dtype must be 'float32' or 'uint8', got int32",
    ],
    [
      'batches with a module, taken without await',
      () => [...data.batches(images.transform([data.custom(module)]))],
      'custom: a module must be imported first; take the batches with for await',
    ],
    [
      'labels that mixup does not know',
      () => [...data.batches(data.fromArrays([[1], [2]], [0, 7]).transform([data.mixup({ classes: 3 })]))],
      'mixup: a label must be an integer from 0 to 2, got 7',
    ],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message);
  });
});

describe('augmentRows', () => {
  const good = () => ({
    destination: new Float32Array(12),
    source: new Uint8Array(24),
    indices: Int32Array.of(0, 1),
    program: Float64Array.of(2, 2, 3, 0, 0, 2, 0.5, 0.5),
    scratch: new Float32Array(24),
    key: new Uint32Array(4),
  });
  const run = (change: Partial<Record<keyof ReturnType<typeof good> | 'start' | 'count', unknown>>) => {
    const {
      destination,
      source,
      indices,
      program,
      scratch,
      key,
      start = 0,
      count = 1,
    } = { ...good(), ...change } as Record<string, unknown>;
    return Reflect.apply(addon().augmentRows, undefined, [
      destination,
      source,
      indices,
      start,
      count,
      false,
      program,
      scratch,
      key,
    ]);
  };
  /** An image of 2 x 2 x 3 and one transform. */
  const program = (...numbers: number[]) => ({ program: Float64Array.of(2, 2, 3, ...numbers) });

  it('runs', () => {
    expect(() => run({})).not.toThrow();
  });

  it.each<[string, Parameters<typeof run>[0], string]>([
    [
      'bytes as a destination',
      { destination: new Uint8Array(12) },
      'augmentRows: destination must be Float32Array',
    ],
    [
      'a source of another type',
      { source: new Uint16Array(24) },
      'augmentRows: source must be of a dtype that data sets have',
    ],
    ['no source', { source: {} }, 'augmentRows: source must be a typed array or made by mapFile'],
    [
      'too little room',
      { destination: new Float32Array(11) },
      'augmentRows: count must be an integer from 0 to 0, got 1',
    ],
    [
      'too little scratch',
      { scratch: new Float32Array(23) },
      'augmentRows: scratch must be Float32Array of at least 24 elements',
    ],
    ['an index past the end', { indices: Int32Array.of(2) }, 'augmentRows: row 2 is outside 0..1'],
    ['a negative index', { indices: Int32Array.of(-1) }, 'augmentRows: row -1 is outside 0..1'],
    ['a short key', { key: new Uint32Array(3) }, 'augmentRows: key must be Uint32Array of at least 4'],
    [
      'an empty program',
      { program: new Float64Array(0) },
      'augmentRows: a program starts with the shape of an image',
    ],
    ['no height', { program: Float64Array.of(0, 2, 3) }, 'augmentRows: height must be an integer from 1'],
    ['images beyond any memory', { program: Float64Array.of(2 ** 24, 2 ** 24, 2 ** 24) }, 'overflows'],
    ['an unknown code', program(7, 0, 0), 'augmentRows: a code must be an integer from 0 to 6'],
    ['a count past the end', program(0, 0, 3, 0.5), 'augmentRows: a count must be an integer from 0 to 1'],
    ['half a head', program(0, 0), 'augmentRows: a transform needs its code, place and count'],
    ['a flip of one number', program(0, 0, 1, 0.5), 'augmentRows: flip: takes 2 numbers'],
    [
      'a crop that is too large',
      program(1, 0, 6, 5, 2, 1, 1, 0, 0),
      'augmentRows: crop: the size is larger than the padded image',
    ],
    [
      'a mirror image that is too large',
      program(1, 0, 6, 2, 2, 2, 0, 2, 0),
      'augmentRows: crop: padding must be an integer from 0 to 1',
    ],
    ['NaN', program(6, 0, 1, Number.NaN), 'augmentRows: noise: numbers must be finite'],
    [
      'an affine with a scale of 0',
      program(2, 0, 13, ...new Array<number>(13).fill(0)),
      'augmentRows: affine',
    ],
    ['means of two channels', program(4, 0, 5, 1, 1, 1, 1, 1), 'augmentRows: normalize'],
    ['a cutout of 0', program(5, 0, 2, 0, 0), 'augmentRows: cutout: size must be an integer'],
  ])('refuses %s', (_, change, message) => {
    expect(() => run(change)).toThrow(message);
  });

  it('refuses to mix rows that are not there', () => {
    const rows = new Float32Array(6);
    expect(() => addon().mixRows(rows, new Float32Array(3), 3, 3, 0.5)).toThrow('mixRows: count must be');
    expect(() => addon().mixRows(rows, new Float32Array(2), 2, 3, 0.5)).toThrow('mixRows: before must be');
    expect(() => addon().mixRows(rows, rows, 2, 3, 1.5)).toThrow(
      'mixRows: lambda must be a number from 0 to 1',
    );
  });
});

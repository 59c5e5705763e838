import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkOp, type Fn } from '../helpers/check-op.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { failure } from '../helpers/graphs.js';
import { scatterAddAlongPlain } from '../helpers/naive/along.js';
import { at, build, type Plain } from '../helpers/naive/naive.js';

const list = async (x: Tensor): Promise<number[]> => [...(await x.data())];
const ints = (data: readonly number[], shape: cr.Shape = [data.length]) =>
  tensor(Int32Array.from(data), { shape });
const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;

/** Picks for each element of the result the index that it comes from, or null for a 0. */
const picked =
  (shape: cr.Shape, source: (index: readonly number[]) => readonly number[] | null) =>
  (x: Plain): Plain =>
    build(shape, (index) => {
      const from = source(index);
      return from ? at(x, from) : 0;
    });

const modulo = (a: number, b: number) => ((a % b) + b) % b;

describe('views and copies', () => {
  const cases: [string, Fn, cr.Shape, (x: Plain) => Plain][] = [
    ['at', on((x) => cr.at(x, 1)), [3, 4], picked([4], ([i = 0]) => [1, i])],
    ['at from the end', on((x) => x.at(-1, 2)), [3, 4, 2], picked([2], ([i = 0]) => [2, 2, i])],
    ['at nothing', on((x) => x.at()), [3], picked([3], (i) => i)],
    ['split', on((x) => cr.split(x, 2)[1] as Tensor), [5, 2], picked([2, 2], ([i = 0, j = 0]) => [i + 2, j])],
    ['split with a rest', on((x) => x.split(2)[2] as Tensor), [5, 2], picked([1, 2], ([, j = 0]) => [4, j])],
    [
      'split into sizes',
      on((x) => x.split([1, 0, 3], -1)[2] as Tensor),
      [2, 4],
      picked([2, 3], ([i = 0, j = 0]) => [i, j + 1]),
    ],
    ['chunk', on((x) => cr.chunk(x, 3, 1)[2] as Tensor), [2, 7], picked([2, 1], ([i = 0]) => [i, 6])],
    ['chunk of a whole', on((x) => x.chunk(1)[0] as Tensor), [3], picked([3], (i) => i)],
    [
      'unstack',
      on((x) => cr.unstack(x, 1)[2] as Tensor),
      [2, 3, 2],
      picked([2, 2], ([i = 0, j = 0]) => [i, 2, j]),
    ],
    [
      'stack',
      on((x) => cr.stack([x, x.mul(2)])),
      [3],
      (x) => build([2, 3], ([i = 0, j = 0]) => (i + 1) * at(x, [j])),
    ],
    [
      'stack behind',
      on((x) => cr.stack([x, x, x], -1)),
      [2, 2],
      picked([2, 2, 3], ([i = 0, j = 0]) => [i, j]),
    ],
    ['tile', on((x) => cr.tile(x, [2, 3])), [2, 3], picked([4, 9], ([i = 0, j = 0]) => [i % 2, j % 3])],
    [
      'tile with more axes',
      on((x) => x.tile([2, 1, 2])),
      [2, 2],
      picked([2, 2, 4], ([, i = 0, j = 0]) => [i, j % 2]),
    ],
    ['tile with fewer axes', on((x) => x.tile([3])), [2, 2], picked([2, 6], ([i = 0, j = 0]) => [i, j % 2])],
    [
      'repeatInterleave',
      on((x) => cr.repeatInterleave(x, 3, 1)),
      [2, 3],
      picked([2, 9], ([i = 0, j = 0]) => [i, Math.floor(j / 3)]),
    ],
    [
      'repeatInterleave of all',
      on((x) => x.repeatInterleave(2)),
      [2, 3],
      picked([12], ([i = 0]) => [Math.floor(i / 6), Math.floor(i / 2) % 3]),
    ],
    ['flip', on((x) => cr.flip(x)), [2, 3], picked([2, 3], ([i = 0, j = 0]) => [1 - i, 2 - j])],
    [
      'flip of a view',
      on((x) => x.transpose().flip(0).mul(2).div(2)),
      [2, 3],
      picked([3, 2], ([i = 0, j = 0]) => [j, 2 - i]),
    ],
    ['roll', on((x) => cr.roll(x, 2, 0)), [5, 2], picked([5, 2], ([i = 0, j = 0]) => [modulo(i - 2, 5), j])],
    [
      'roll back and far',
      on((x) => x.roll([-1, 7], [1, 0])),
      [3, 4],
      picked([3, 4], ([i = 0, j = 0]) => [modulo(i - 7, 3), (j + 1) % 4]),
    ],
    ['tril', on((x) => cr.tril(x)), [3, 4], picked([3, 4], ([i = 0, j = 0]) => (j <= i ? [i, j] : null))],
    [
      'tril of a batch',
      on((x) => x.tril(-1)),
      [2, 3, 3],
      picked([2, 3, 3], ([n = 0, i = 0, j = 0]) => (j <= i - 1 ? [n, i, j] : null)),
    ],
    ['triu', on((x) => cr.triu(x)), [4, 3], picked([4, 3], ([i = 0, j = 0]) => (j >= i ? [i, j] : null))],
    [
      'triu above',
      on((x) => x.triu(2)),
      [3, 4],
      picked([3, 4], ([i = 0, j = 0]) => (j >= i + 2 ? [i, j] : null)),
    ],
    ['diag', on((x) => cr.diag(x)), [3], picked([3, 3], ([i = 0, j = 0]) => (i === j ? [i] : null))],
    ['diag above', on((x) => x.diag(2)), [2], picked([4, 4], ([i = 0, j = 0]) => (j === i + 2 ? [i] : null))],
    [
      'diag below',
      on((x) => x.diag(-1)),
      [3],
      picked([4, 4], ([i = 0, j = 0]) => (j === i - 1 ? [j] : null)),
    ],
    ['diag of a matrix', on((x) => x.diag(-1)), [3, 4], picked([2], ([i = 0]) => [i + 1, i])],
    ['diagonal', on((x) => cr.diagonal(x, 1)), [2, 3, 4], picked([2, 3], ([n = 0, i = 0]) => [n, i, i + 1])],
    ['diagonal outside', on((x) => cr.diagonal(x, 4)), [3, 4], picked([0], (i) => i)],
    [
      'trace',
      on((x) => cr.trace(x)),
      [3, 4],
      (x) => ({ shape: [], data: [at(x, [0, 0]) + at(x, [1, 1]) + at(x, [2, 2])] }),
    ],
    [
      'indexSelect',
      on((x) => cr.indexSelect(x, ints([2, 0, 2]))),
      [3, 2],
      picked([3, 2], ([i = 0, j = 0]) => [[2, 0, 2][i] as number, j]),
    ],
    [
      'indexSelect on an axis',
      on((x) => x.indexSelect(ints([1, 1, 0]), -1)),
      [2, 2],
      picked([2, 3], ([i = 0, j = 0]) => [i, [1, 1, 0][j] as number]),
    ],
  ];
  it.each(cases)('%s has the value and gradients of its definition', async (name, fn, shape, reference) => {
    await checkOp(name, fn, [shape], { reference });
  });

  it('outer and dot multiply vectors', async () => {
    await checkOp('outer', (a, b) => cr.outer(a as Tensor, b as Tensor), [[3], [4]], {
      reference: (a, b) => build([3, 4], ([i = 0, j = 0]) => at(a, [i]) * at(b, [j])),
    });
    await checkOp('dot', (a, b) => cr.dot(a as Tensor, b as Tensor), [[5], [5]], {
      reference: (a, b) => ({
        shape: [],
        data: [a.data.reduce((sum, v, i) => sum + v * (b.data[i] as number), 0)],
      }),
    });
  });

  it('scatterAdd and scatterAddAlong add to a target', async () => {
    const rows = [1, 0, 1, 1];
    await checkOp(
      'scatterAdd',
      (t, u) => cr.scatterAdd(t as Tensor, ints(rows), u as Tensor),
      [
        [3, 2],
        [4, 2],
      ],
      {
        reference: (t, u) =>
          build([3, 2], ([i = 0, j = 0]) =>
            rows.reduce((sum, row, k) => (row === i ? sum + at(u, [k, j]) : sum), at(t, [i, j])),
          ),
      },
    );
    const places: Plain = { shape: [2, 4], data: [0, 2, 2, 1, 1, 1, 1, 0] };
    const fn: Fn = (t, u) => cr.scatterAddAlong(t as Tensor, ints(places.data, [2, 4]), u as Tensor);
    await checkOp(
      'scatterAddAlong',
      fn,
      [
        [2, 3],
        [2, 4],
      ],
      {
        reference: (t, u) => {
          const sums = scatterAddAlongPlain(places, u, 1, 3);
          return build([2, 3], (index) => at(t, index) + at(sums, index));
        },
      },
    );
  });

  it('takeAlong broadcasts the other axes, and takes any dtype', async () => {
    const fn = on((x) => cr.takeAlong(x, ints([2, 0], [1, 2])));
    await checkOp('takeAlong broadcast', fn, [[3, 4]], {
      reference: picked([3, 2], ([i = 0, j = 0]) => [i, [2, 0][j] as number]),
    });
    const small = tensor(Uint8Array.of(5, 6, 7));
    expect(await list(cr.takeAlong(small, ints([2, 2, 0])))).toEqual([7, 7, 5]);
    expect(
      await list(cr.takeAlong(tensor(Int32Array.of(1, 2), { shape: [1, 2] }), ints([1, 0, 0, 1], [2, 2]))),
    ).toEqual([2, 1, 1, 2]);
    expect(await list(tensor([1, 0, 1], { dtype: 'bool' }).indexSelect(ints([1, 2])))).toEqual([0, 1]);
  });
});

describe('numbers in order', () => {
  it('arange, linspace and eye', async () => {
    expect(await list(cr.arange(4))).toEqual([0, 1, 2, 3]);
    expect(await list(cr.arange(2, 5))).toEqual([2, 3, 4]);
    expect(await list(cr.arange(5, -1, -2, 'int32'))).toEqual([5, 3, 1]);
    expect(await list(cr.arange(0, 1, 0.25))).toEqual([0, 0.25, 0.5, 0.75]);
    expect(cr.arange(3, 1).shape).toEqual([0]);
    expect(cr.arange(3, 'int32').dtype).toBe('int32');
    expect(await list(cr.linspace(-1, 1, 5))).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect([await list(cr.linspace(3, 9, 1)), cr.linspace(0, 1, 0).shape]).toEqual([[3], [0]]);
    const tenths = await cr.linspace(0, 1, 11, 'float64').data();
    expect(tenths.at(-1)).toBe(1);
    expect(await cr.eye(2, 3).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(cr.eye(2, 2, 'int32').dtype).toBe('int32');
    expect(cr.eye(0).shape).toEqual([0, 0]);
  });
});

describe('errors of arrangements', () => {
  const x = cr.zeros([2, 3]);
  const bad: BadCall[] = [
    ['at too many places', () => cr.at(x, 0, 0, 0), 'at: at most 2 indices, got 3'],
    ['at a place outside', () => cr.at(x, 2), 'at: index into [2,3] must be an integer from -2 to 1, got 2'],
    ['a split of nothing', () => cr.split(x, 0), 'split: size must be a positive integer, got 0'],
    [
      'a split into too much',
      () => cr.split(x, [1, 2]),
      'split: sizes must add up to the 2 elements of axis 0, got [1,2]',
    ],
    ['no chunks', () => cr.chunk(x, 0), 'chunk: count must be a positive integer, got 0'],
    ['nothing to stack', () => cr.stack([]), 'stack: at least one tensor, got []'],
    [
      'a stack of two shapes',
      () => cr.stack([x, cr.zeros([3])]),
      'stack: every tensor must be float32 of shape [2,3], got float32 of [3]',
    ],
    ['no axis to unstack', () => cr.unstack(x, 2), 'unstack: axis must be an integer from -2 to 1, got 2'],
    [
      'half a tile',
      () => cr.tile(x, [0.5]),
      'tile: repeats must be an integer or an array of integers, got [0.5]',
    ],
    [
      'a negative count',
      () => cr.repeatInterleave(x, -1),
      'repeatInterleave: count must be a non-negative integer, got -1',
    ],
    ['a flip of one axis twice', () => cr.flip(x, [0, -2]), 'flip: axes must differ, got [0,-2]'],
    ['a roll without axes', () => cr.roll(x, [1, 2], 0), 'roll: one shift for each axis, got [[1,2],0]'],
    [
      'half a roll',
      () => cr.roll(x, 0.5, 0),
      'roll: shift must be an integer or an array of integers, got 0.5',
    ],
    ['a triangle of a vector', () => cr.tril(cr.zeros([3])), 'tril: needs at least two axes, got [3]'],
    ['an upper triangle of a vector', () => cr.triu(cr.zeros([3])), 'triu: needs at least two axes, got [3]'],
    [
      'a diagonal of a vector',
      () => cr.diagonal(cr.zeros([3])),
      'diagonal: needs at least two axes, got [3]',
    ],
    [
      'a diagonal of a batch',
      () => cr.diag(cr.zeros([2, 2, 2])),
      'diag: needs a vector or a matrix, got [2,2,2]',
    ],
    ['a trace of a vector', () => cr.trace(cr.zeros([3])), 'trace: needs at least two axes, got [3]'],
    ['a negative matrix', () => cr.eye(-1), 'eye: rows must be a non-negative integer, got -1'],
    ['no step', () => cr.arange(0, 3, 0), 'arange: step must not be 0, got 0'],
    [
      'fractions of integers',
      () => cr.arange(0, 1, 0.5, 'int32'),
      'arange: value must be a int32 number, got 0.5',
    ],
    ['no end', () => cr.linspace(0, Number.NaN, 3), 'linspace: end must be a finite number, got NaN'],
    ['an outer product of matrices', () => cr.outer(x, x), 'outer: needs vectors, with one axis, got [2,3]'],
    [
      'vectors of two lengths',
      () => cr.dot(cr.zeros([2]), cr.zeros([3])),
      'dot: the vectors must be of one length, got [[2],[3]]',
    ],
    ['float indices', () => cr.takeAlong(x, x), 'takeAlong: indices must be int32 or uint8, got float32'],
    [
      'indices with an axis less',
      () => cr.takeAlong(x, ints([1])),
      'takeAlong: indices must have 2 axes, as many as the tensor, got [1]',
    ],
    [
      'indices of another shape',
      () => cr.takeAlong(x, ints([1, 1, 1], [3, 1])),
      'takeAlong: shapes do not broadcast, [2,1] and [3,1]',
    ],
    [
      'a list of two axes',
      () => cr.indexSelect(x, ints([1], [1, 1])),
      'indexSelect: indices must have one axis, got [1,1]',
    ],
    [
      'updates of another shape',
      () => cr.scatterAdd(x, ints([0]), x),
      'scatterAdd: updates must be float32 of shape [1,3], got float32 of [2,3]',
    ],
    [
      'a target of integers',
      () => cr.scatterAdd(ints([0]), ints([0]), ints([0])),
      'scatterAdd: the target must be float32 or float64, got int32',
    ],
    [
      'indices for another target',
      () => cr.scatterAddAlong(x, ints([0], [1, 1]), x),
      "scatterAddAlong: indices must have the target's shape but for axis -1, got [1,1] for a target of [2,3]",
    ],
    [
      'updates for other indices',
      () => cr.scatterAddAlong(x, ints([0, 0], [2, 1]), x),
      'scatterAddAlong: updates must be float32 of shape [2,1], got float32 of [2,3]',
    ],
  ];
  it.each(bad)('%s', (_, call, message) => expectBadCall(call, message, 'arrange.test.ts'));

  it('an index outside stops the run', async () => {
    const three = tensor([1, 2, 3]);
    const message = async (x: Tensor) => (await failure(x.data())).message;
    expect(await message(cr.takeAlong(three, ints([0, 3])))).toBe(
      'takeAlong: index 3 at position 1 is outside 0..2',
    );
    expect(await message(cr.indexSelect(three, ints([-1])))).toBe(
      'indexSelect: index -1 at position 0 is outside 0..2',
    );
    expect(await message(cr.indexSelect(cr.zeros([2, 3]), ints([5]), 1))).toBe(
      'indexSelect: index 5 at position 0 is outside 0..2',
    );
    expect(await message(cr.scatterAdd(three, ints([7]), tensor([1])))).toBe(
      'scatterAdd: index 7 at position 0 is outside 0..2',
    );
    expect(await message(cr.scatterAddAlong(three, ints([-2]), tensor([1])))).toBe(
      'scatterAddAlong: index -2 at position 0 is outside 0..2',
    );
  });
});

describe('a transposed copy', () => {
  // Around the tiles, and with rows that are pages apart.
  const shapes = [
    [15, 17],
    [16, 16],
    [33, 48],
    [2048, 18],
    [20, 1024],
    [3, 40, 35],
  ] as const;
  const dtypes = ['float32', 'float64', 'int32', 'bool'] as const;

  it.each(dtypes)('has every element in its place, in %s', async (dtype) => {
    const fn = cr.compile((x: Tensor) => x.transpose());
    for (const shape of shapes) {
      const [rows, columns] = shape.slice(-2) as [number, number];
      const size = shape.reduce<number>((a, b) => a * b, 1);
      const value = (i: number) => (dtype === 'bool' ? ((i * i + 3 * i) % 7) % 2 : i);
      const x = tensor(
        Int32Array.from({ length: size }, (_, i) => value(i)),
        { shape },
      ).to(dtype);
      const expected = Array.from({ length: size }, (_, i) => {
        const [matrix, place] = [Math.floor(i / rows / columns), i % (rows * columns)];
        return value(matrix * rows * columns + (place % rows) * columns + Math.floor(place / rows));
      });
      expect((await list(await fn(x))).map(Number)).toEqual(expected);
    }
  });
});

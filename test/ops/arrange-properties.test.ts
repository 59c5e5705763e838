import * as cr from 'chainrule';
import { type Tensor, tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { lineOf, scatterAddAlongPlain, takeAlongPlain } from '../helpers/naive/along.js';
import { at, build, indices, type Plain } from '../helpers/naive/naive.js';
import { hashIntegers, hashUniform } from '../helpers/random-graph/random.js';

const ints = (data: readonly number[], shape: cr.Shape) => tensor(Int32Array.from(data), { shape });
const total = (shape: cr.Shape) => shape.reduce((a, b) => a * b, 1);
const modulo = (a: number, b: number) => ((a % b) + b) % b;

describe('arrangements of random shapes', () => {
  const RUNS = { numRuns: 100, seed: 77 };
  const plain = (shape: cr.Shape, from: number): Plain => ({
    shape,
    data: hashUniform(total(shape), from, -2, 2),
  });
  const lift = ({ shape, data }: Plain) => tensor(Float64Array.from(data), { shape });
  const same = async (name: string, actual: Tensor, expected: Plain) => {
    expect(actual.shape, name).toEqual(expected.shape);
    expectClose(name, await actual.data(), expected.data, { relative: 1e-12 });
  };
  const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

  it('what is cut is put together again', async () => {
    const property = fc.asyncProperty(
      shapes,
      fc.nat(),
      fc.nat({ max: 999 }),
      fc.integer({ min: 1, max: 6 }),
      async (shape, n, from, size) => {
        const axis = n % shape.length;
        const x = plain(shape, from);
        const t = lift(x);
        await same('split', cr.concat(t.split(size, axis), axis), x);
        await same('chunk', cr.concat(t.chunk(size, axis), axis), x);
        await same('unstack', cr.stack(t.unstack(axis), axis), x);
        await same('flip', t.flip(axis).flip([axis]), x);
        await same('roll', t.roll(size, axis).roll(-size, axis), x);
        const turned = build(shape, (index) =>
          at(x, index.with(axis, (shape[axis] as number) - 1 - (index[axis] as number))),
        );
        await same('flip in arithmetic', t.flip(axis).add(t).sub(t), turned);
        await same('flip stored', t.flip(axis).reshape([-1]), { shape: [total(shape)], data: turned.data });
        const rolled = build(shape, (index) =>
          at(x, index.with(axis, modulo((index[axis] as number) - size, shape[axis] as number))),
        );
        await same('roll', t.roll(size, axis), rolled);
      },
    );
    await fc.assert(property, RUNS);
  });

  it('taking and adding along any axis agree with loops', async () => {
    const property = fc.asyncProperty(
      shapes,
      fc.nat(),
      fc.nat({ max: 999 }),
      fc.nat({ max: 6 }),
      async (shape, n, from, count) => {
        const axis = n % shape.length;
        const length = shape[axis] as number;
        const x = plain(shape, from);
        const to = shape.with(axis, count);
        const places: Plain = { shape: to, data: hashIntegers(total(to), from, length) };
        const [values, updates] = [lift(x), plain(to, from + 1)];
        await same(
          'takeAlong',
          values.takeAlong(ints(places.data, to), axis),
          takeAlongPlain(x, places, axis),
        );
        const sums = scatterAddAlongPlain(places, updates, axis, length);
        const target = cr.zeros(shape, 'float64');
        await same(
          'scatterAddAlong',
          cr.scatterAddAlong(target, ints(places.data, to), lift(updates), axis),
          sums,
        );
        const row = hashIntegers(count, from, length);
        const chosen = build(
          to,
          (index) => lineOf(x, axis, index.with(axis, 0))[row[index[axis] as number] as number] as number,
        );
        await same('indexSelect', values.indexSelect(ints(row, [count]), axis), chosen);
      },
    );
    await fc.assert(property, RUNS);
  });

  it('tiles and repeats agree with loops', async () => {
    const counts = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(shapes, counts, fc.nat({ max: 999 }), async (shape, repeats, from) => {
      const x = plain(shape, from);
      const rank = Math.max(shape.length, repeats.length);
      const wide = Array.from(
        { length: rank },
        (_, i) => (shape[i - rank + shape.length] ?? 1) * (repeats[i - rank + repeats.length] ?? 1),
      );
      const source = (index: readonly number[]) =>
        index.slice(rank - shape.length).map((v, i) => v % (shape[i] as number));
      await same(
        'tile',
        lift(x).tile(repeats),
        build(wide, (index) => at(x, source(index))),
      );
      const count = repeats[0] as number;
      const last = shape.length - 1;
      const longer = shape.with(last, (shape[last] as number) * count);
      await same(
        'repeatInterleave',
        lift(x).repeatInterleave(count, -1),
        build(longer, (index) => at(x, index.with(last, Math.floor((index[last] as number) / count)))),
      );
    });
    await fc.assert(property, RUNS);
  });

  it('diagonals and triangles agree with loops', async () => {
    const side = fc.integer({ min: 1, max: 5 });
    const property = fc.asyncProperty(
      side,
      side,
      fc.integer({ min: -6, max: 6 }),
      async (rows, columns, k) => {
        const x = plain([2, rows, columns], 5);
        const line = [...indices([rows, columns])].filter(([i = 0, j = 0]) => j - i === k);
        const found = build([2, line.length], ([n = 0, i = 0]) => at(x, [n, ...(line[i] as number[])]));
        await same('diagonal', lift(x).diagonal(k), found);
        const triangle = (holds: (gap: number) => boolean) =>
          build(x.shape, ([n = 0, i = 0, j = 0]) => (holds(j - i) ? at(x, [n, i, j]) : 0));
        await same(
          'tril',
          lift(x).tril(k),
          triangle((gap) => gap <= k),
        );
        await same(
          'triu',
          lift(x).triu(k),
          triangle((gap) => gap >= k),
        );
        const vector = plain([rows], 6);
        const size = rows + Math.abs(k);
        const matrix = build([size, size], ([i = 0, j = 0]) =>
          j - i === k ? at(vector, [Math.min(i, j)]) : 0,
        );
        await same('diag', lift(vector).diag(k), matrix);
      },
    );
    await fc.assert(property, RUNS);
  });
});

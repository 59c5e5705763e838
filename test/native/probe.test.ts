import { describe, expect, it } from 'vitest';
import { alignedFloats } from '#lib/bench/limits/aligned-floats.js';
import { addon } from '#lib/runtime/addon.js';

const filled = (elements: number, of: (i: number) => number) => alignedFloats(elements).map((_, i) => of(i));

describe('the probes of the addon', () => {
  it('begin with cache lines where they are asked to', () => {
    for (const elements of [0, 1, 7, 1024]) {
      const array = alignedFloats(elements);
      expect(array).toHaveLength(elements);
      expect(addon().addressModulo(array, 64)).toBe(0);
    }
  });

  it('multiply and add in registers', () => {
    expect(addon().probeMultiplyAdd(1)).toBeGreaterThan(0);
  });

  it.each(
    addon()
      .probeMoves()
      .map((move, i) => [move.name, i] as const),
  )('%s moves what it says (%i)', (name, move) => {
    const [a, b, out] = [1, 2, 3].map((value) => alignedFloats(512).fill(value)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect(addon().probeMove(move, a, b, out, 1)).toBeGreaterThan(0);
    const expected = { read: 3, write: 0, copy: 1, add: 3 }[name];
    expect(out.every((value) => value === expected)).toBe(true);
    expect([a.every((value) => value === 1), b.every((value) => value === 2)]).toEqual([true, true]);
  });

  it.each([
    [3, 4, 5, 0, 0],
    [3, 4, 5, 1, 0],
    [3, 4, 5, 0, 1],
    [3, 4, 5, 1, 1],
    [1, 4, 5, 0, 0],
    [1, 4, 5, 1, 0],
    [1, 4, 5, 0, 1],
    [1, 4, 5, 1, 1],
  ])(
    'the BLAS multiplies [%i,%i] by depth %i (transposed: %i %i)',
    (rows, columns, depth, transposeA, transposeB) => {
      const a = filled(rows * depth, (i) => i % 7);
      const b = filled(depth * columns, (i) => (3 * i) % 11);
      const out = alignedFloats(rows * columns);
      const shape = Int32Array.of(rows, columns, depth, transposeA, transposeB);
      expect(addon().probeBlas(a, b, out, shape, 1)).toBeGreaterThan(0);
      const at = (array: Float32Array, row: number, column: number, size: number) =>
        array[row * size + column] as number;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) {
            const left = transposeA ? at(a, k, i, rows) : at(a, i, k, depth);
            sum += left * (transposeB ? at(b, j, k, depth) : at(b, k, j, columns));
          }
          expect(at(out, i, j, columns)).toBe(sum);
        }
      }
    },
  );

  it('may ask for huge pages, which change no values', () => {
    for (const elements of [0, 5, 2 ** 21]) {
      const array = new Float32Array(new SharedArrayBuffer(4 * elements)).fill(7);
      addon().adviseHugePages(array);
      expect(array.every((value) => value === 7)).toBe(true);
    }
    expect(() => addon().adviseHugePages([] as never)).toThrow('array must');
  });

  it('refuse what they cannot measure', () => {
    const whole = alignedFloats(512);
    const shape = Int32Array.of(2, 2, 2, 0, 0);
    const four = alignedFloats(4);
    const { probeMultiplyAdd, probeMove, probeBlas } = addon();
    expect(() => probeMultiplyAdd(0)).toThrow('milliseconds');
    expect(() => probeMove(99, whole, whole, whole, 1)).toThrow('move');
    expect(() => probeMove(0, whole.subarray(256), whole, whole, 1)).toThrow('a must');
    expect(() => probeMove(0, whole, whole.subarray(256), whole, 1)).toThrow('b must');
    expect(() => probeMove(3, whole, whole, whole.subarray(0, 255), 1)).toThrow('multiple of 256');
    expect(() => probeMove(3, whole, whole, whole.subarray(1, 257), 1)).toThrow('aligned');
    expect(() => probeBlas(four.subarray(1), four, four, shape, 1)).toThrow('a must');
    expect(() => probeBlas(four, four.subarray(1), four, shape, 1)).toThrow('b must');
    expect(() => probeBlas(four, four, four.subarray(1), shape, 1)).toThrow('out must');
    expect(() => probeBlas(four, four, four, Int32Array.of(0, 2, 2, 0, 0), 1)).toThrow('shape must');
    expect(() => probeBlas(four, four, four, Int32Array.of(2, 2), 1)).toThrow('shape must');
  });
});

import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';

describe('sumShards', () => {
  /** The order that the addon promises: neighbours in pairs, then pairs of pairs. */
  const tree = (values: number[]): number => {
    if (values.length === 1) return values[0] as number;
    const next: number[] = [];
    for (let i = 0; i < values.length; i += 2) {
      const [a, b] = values.slice(i, i + 2) as [number, number?];
      next.push(b === undefined ? a : Math.fround(a + b));
    }
    return tree(next);
  };

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 100])('adds %i shards as a binary tree', (count) => {
    const length = 1000;
    const shards = Array.from({ length: count }, (_, s) =>
      Float32Array.from({ length }, (_, i) => Math.sin(1 + s * length + i) * 10 ** (s % 7)),
    );
    const output = new Float32Array(length).fill(-1);
    addon.sumShards(output, shards, 3, 900);
    const expected = Float32Array.from({ length }, (_, i) =>
      i < 3 || i >= 900 ? -1 : tree(shards.map((shard) => shard[i] as number)),
    );
    expect(output).toEqual(expected);
  });

  it('adds float64, over one of the shards too', () => {
    const output = Float64Array.of(0.1, 0.2);
    addon.sumShards(output, [output, Float64Array.of(0.2, 0.4), Float64Array.of(0.3, 0.6)], 0, 2);
    expect([...output]).toEqual([0.1 + 0.2 + 0.3, 0.2 + 0.4 + 0.6]);
  });

  const output = new Float32Array(4);
  it.each<[string, unknown[], string]>([
    [
      'integers',
      [new Int32Array(4), [new Int32Array(4)], 0, 4],
      'sumShards: output must be Float32Array or Float64Array, got Int32Array(4)',
    ],
    ['no shards', [output, [], 0, 4], 'sumShards: shards.length must be 1 to 1024, got 0'],
    ['too many shards', [output, Array(1025).fill(output), 0, 4], 'got 1025'],
    [
      'a short shard',
      [output, [output, new Float32Array(3)], 0, 4],
      'sumShards: shards[1] must be Float32Array of at least 4 elements, got Float32Array(3)',
    ],
    ['another type', [output, [new Float64Array(4)], 0, 4], 'got Float64Array(4)'],
    [
      'an end past the output',
      [output, [new Float32Array(9)], 0, 5],
      'sumShards: end must be an integer from 0 to 4, got 5',
    ],
    [
      'an end before the start',
      [output, [output], 3, 2],
      'sumShards: end must be an integer from 3 to 4, got 2',
    ],
    ['a negative start', [output, [output], -1, 2], 'sumShards: start must be'],
    ['a start of NaN', [output, [output], Number.NaN, 2], 'got NaN'],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(addon.sumShards, undefined, given)).toThrow(message);
  });
});

describe('gatherRows', () => {
  const source = Uint8Array.from({ length: 12 }, (_, i) => i);

  it('copies the rows that a stretch of the indices names', () => {
    const destination = new Uint8Array(9);
    addon.gatherRows(destination, source, Int32Array.of(9, 3, 0, 3), 1, 3, 3);
    expect([...destination]).toEqual([9, 10, 11, 0, 1, 2, 9, 10, 11]);
    const doubles = new Float64Array(2);
    addon.gatherRows(doubles, Float64Array.of(0.5, 1.5, 2.5), Int32Array.of(2, 1), 0, 2, 1);
    expect([...doubles]).toEqual([2.5, 1.5]);
  });

  const destination = new Uint8Array(6);
  it.each<[string, unknown[], string]>([
    [
      'an index past the end',
      [destination, source, Int32Array.of(0, 4), 0, 2, 3],
      'gatherRows: index 4 at position 1 is outside 0..3',
    ],
    [
      'a negative index',
      [destination, source, Int32Array.of(-1), 0, 1, 3],
      'index -1 at position 0 is outside 0..3',
    ],
    ['half a row', [destination, source, Int32Array.of(2), 0, 1, 5], 'index 2 at position 0 is outside 0..1'],
    [
      'more rows than fit',
      [destination, source, new Int32Array(9), 0, 3, 3],
      'gatherRows: count must be an integer from 0 to 2, got 3',
    ],
    [
      'more rows than indices',
      [destination, source, new Int32Array(3), 2, 2, 3],
      'gatherRows: count must be an integer from 0 to 1, got 2',
    ],
    ['a start past the end', [destination, source, new Int32Array(3), 4, 0, 3], 'gatherRows: start must be'],
    ['empty rows', [destination, source, new Int32Array(3), 0, 1, 0], 'gatherRows: rowElements must be'],
    [
      'another type',
      [destination, new Int8Array(12), new Int32Array(3), 0, 1, 3],
      'gatherRows: source must be Uint8Array, got Int8Array(12)',
    ],
    [
      'indices of another type',
      [destination, source, new Uint32Array(3), 0, 1, 3],
      'gatherRows: indices must be Int32Array',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(addon.gatherRows, undefined, given)).toThrow(message);
  });
});

describe('barrier', () => {
  const words = () => new Int32Array(new SharedArrayBuffer(64));

  it('lets one party through at once', () => {
    const state = words();
    for (let turn = 0; turn < 3; turn++)
      expect(addon.barrierWait(state, addon.barrierArrive(state, 1), 1, 0)).toBe(0);
  });

  it('stays arrived after a timeout', () => {
    const state = words();
    const first = addon.barrierArrive(state, 2);
    expect(addon.barrierWait(state, first, 2, 1)).toBe(1);
    expect(addon.barrierWait(state, first, 2, 0)).toBe(1);
    const second = addon.barrierArrive(state, 2);
    expect(addon.barrierWait(state, second, 2, 0)).toBe(0);
    expect(addon.barrierWait(state, first, 2, 0)).toBe(0);
  });

  it('stays aborted until its words are zeroed', () => {
    const state = words();
    const ticket = addon.barrierArrive(state, 2);
    addon.barrierAbort(state);
    expect(addon.barrierWait(state, ticket, 2, 60_000)).toBe(2);
    expect(addon.barrierWait(state, addon.barrierArrive(state, 1), 1, 0)).toBe(2);
    state.fill(0);
    expect(addon.barrierWait(state, addon.barrierArrive(state, 1), 1, 0)).toBe(0);
  });

  it.each<[string, () => unknown, string]>([
    [
      'too few words',
      () => addon.barrierArrive(new Int32Array(15), 1),
      'barrierArrive: state must be Int32Array of at least 16',
    ],
    [
      'words of another type',
      () => addon.barrierAbort(new Uint32Array(16) as never),
      'barrierAbort: state must be',
    ],
    ['no parties', () => addon.barrierArrive(words(), 0), 'barrierArrive: parties must be'],
    ['half a party', () => addon.barrierArrive(words(), 1.5), 'got 1.5'],
    [
      'a ticket of its own making',
      () => addon.barrierWait(words(), 2 ** 31, 1, 0),
      'barrierWait: ticket must be',
    ],
    [
      'a timeout of NaN',
      () => addon.barrierWait(words(), 0, 1, Number.NaN),
      'barrierWait: timeoutMs must be',
    ],
    ['an endless timeout', () => addon.barrierWait(words(), 0, 1, Number.POSITIVE_INFINITY), 'got Infinity'],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

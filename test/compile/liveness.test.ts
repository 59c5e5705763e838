import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareInPlace } from '#lib/compile/liveness/in-place.js';
import { visitLifetimes } from '#lib/compile/liveness/lifetimes.js';
import { liveBytes, peakOf } from '#lib/compile/liveness/live-bytes.js';

const options = { numRuns: 300, seed: 12 };

/** Actions that each write one value of their own number and read earlier ones, and an order of them. */
const orders = fc
  .record({
    back: fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 12,
    }),
    again: fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 6 }),
  })
  .map(({ back, again }) => {
    const reads = back.map((by, action) => [
      ...new Set(by.map((n) => action - n).filter((value) => value >= 0)),
    ]);
    const sequence = [...reads.keys()];
    for (const [place, action] of again) {
      if (place < sequence.length && action < reads.length) sequence.splice(place, 0, action);
    }
    return { sequence, reads, writes: reads.map((_, action) => [action]), inPlace: reads.map(() => []) };
  });

describe('the lifetimes in an order', () => {
  it('are those that a look at each place finds', () => {
    fc.assert(
      fc.property(orders, ({ sequence, ...accesses }) => {
        const found: string[] = [];
        visitLifetimes(sequence, accesses, accesses.reads.length, {
          lives: (value, first, last) => found.push(`${value} from ${first} to ${last}`),
        });
        const expected = sequence.map((value, first) => {
          const later = sequence.slice(first + 1);
          const rewritten = later.indexOf(value);
          const ownPlaces = rewritten < 0 ? later : later.slice(0, rewritten + 1);
          const last = ownPlaces.findLastIndex((action) => accesses.reads[action]?.includes(value));
          return `${value} from ${first} to ${first + 1 + last}`;
        });
        expect(found.reverse()).toEqual(expected);
      }),
      options,
    );
  });

  it('tell which write takes the memory of a value that dies', () => {
    const shared: string[] = [];
    // Value 0 is read at places 2 and 3, value 1 at place 3 alone.
    visitLifetimes(
      [0, 1, 2, 3],
      {
        reads: [[], [], [0], [0, 1]],
        writes: [[0], [1], [2], [3]],
        inPlace: [[], [], [{ write: 2, reads: [0] }], [{ write: 3, reads: [0, 1] }]],
      },
      4,
      { lives: () => {}, shares: (write, read, place) => shared.push(`${write} over ${read} at ${place}`) },
    );
    expect(shared).toEqual(['3 over 0 at 3']);
  });
});

describe('writes in place', () => {
  it('take one dead value each, those that are read later first', () => {
    const shared: [number, number][] = [];
    const writes = [
      { write: 5, reads: [1, 2] },
      { write: 6, reads: [1, 3] },
      { write: 7, reads: [1] },
    ];
    shareInPlace(
      writes,
      (read) => read !== 2,
      (write) => write === 5,
      (write, read) => shared.push([write, read]),
    );
    expect(shared).toEqual([[6, 1]]);
  });
});

describe('the live bytes', () => {
  it('are the sum over the lifetimes at each place', () => {
    const lifetimes = [
      { bytes: 64, first: 0, last: 2 },
      { bytes: 128, first: 2, last: 3 },
      { bytes: 7, first: 4, last: 3 },
    ];
    expect([...liveBytes(lifetimes, 5)]).toEqual([64, 64, 192, 128, 0]);
    expect(peakOf(lifetimes, 5)).toBe(192);
    expect(peakOf([], 0)).toBe(0);
  });
});

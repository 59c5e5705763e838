import { describe, expect, it } from 'vitest';
import { hashKey, permutation, philox } from '#lib/graph/random.js';

/** Known answers from the Random123 distribution (tests/kat_vectors): counter, key, result. */
const vectors = [
  ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
] as const;

const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));

describe('philox', () => {
  it.each(vectors)('matches Random123 for counter %s, key %s', (counter, key, expected) => {
    const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = words(counter);
    const [k0 = 0, k1 = 0] = words(key);
    const out = new Uint32Array(4);
    philox(c0, c1, c2, c3, k0, k1, out);
    expect([...out]).toEqual(words(expected));
  });
});

describe('permutation', () => {
  it('holds each index once', () => {
    const order = permutation(60_000, 1, 0);
    expect(order.toSorted()).toEqual(Int32Array.from({ length: 60_000 }, (_, i) => i));
  });

  it('depends on the seed, including its high word, and on the epoch, and on nothing else', () => {
    const order = permutation(100, 1, 0);
    expect(permutation(100, 1, 0)).toEqual(order);
    expect(permutation(100, 2, 0)).not.toEqual(order);
    expect(permutation(100, 1 + 2 ** 32, 0)).not.toEqual(order);
    expect(permutation(100, -1, 0)).not.toEqual(order);
    expect(permutation(100, 1, 1)).not.toEqual(order);
  });

  it('stays the same from release to release', () => {
    expect([...permutation(10, 1, 0)]).toMatchInlineSnapshot(`
      [
        0,
        9,
        2,
        6,
        8,
        7,
        3,
        5,
        1,
        4,
      ]
    `);
  });

  it('gives every order of four about as often', () => {
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let epoch = 0; epoch < draws; epoch++) {
      const key = permutation(4, 7, epoch).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    let chiSquared = 0;
    for (const count of counts.values()) chiSquared += (count - draws / 24) ** 2 / (draws / 24);
    // 23 degrees of freedom: 49.7 is the 0.1 % point, and the draws are fixed.
    expect(chiSquared).toBeLessThan(49.7);
  });

  it('takes the sizes at the edge and refuses the others', () => {
    expect(permutation(0, 1)).toEqual(new Int32Array(0));
    expect(permutation(1, 1)).toEqual(new Int32Array(1));
    expect(() => permutation(-1, 1)).toThrow(
      'permutation: n must be an integer from 0 to 2147483647, got -1',
    );
    expect(() => permutation(4, 0.5)).toThrow('random: seed must be an integer, got 0.5');
    expect(() => permutation(4, 1, -1)).toThrow('permutation: epoch must be a non-negative integer, got -1');
  });
});

describe('hashKey', () => {
  it('tells names and seeds apart, in 32 unsigned bits', () => {
    const keys = new Set<number>();
    for (let layer = 0; layer < 100; layer++) {
      for (let seed = 0; seed < 100; seed++) keys.add(hashKey(`conv${layer}.weight`, seed));
    }
    expect(keys.size).toBe(10_000);
    for (const key of keys) expect(key).toBe(key >>> 0);
  });

  it('sees the whole seed', () => {
    expect(hashKey('a', 2 ** 32)).not.toBe(hashKey('a', 0));
  });
});

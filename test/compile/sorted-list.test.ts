import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedList } from '#lib/compile/plan/sorted-list.js';

describe('SortedList', () => {
  it('finds what a sorted array holds, whatever was inserted and deleted', () => {
    const actions = fc.array(fc.tuple(fc.boolean(), fc.nat(3000)), { maxLength: 2500, size: 'max' });
    fc.assert(
      fc.property(actions, fc.array(fc.nat(3000), { maxLength: 50 }), (changes, wanted) => {
        const list = new SortedList<{ key: number }>(({ key }) => key);
        const keys = new Set<number>();
        for (const [adds, key] of changes) {
          if (adds && !keys.has(key)) list.insert({ key });
          if (!adds) list.delete(key);
          if (adds) keys.add(key);
          else keys.delete(key);
        }
        const sorted = [...keys].sort((a, b) => a - b);
        expect([...list].map(({ key }) => key)).toEqual(sorted);
        expect(list.size).toBe(sorted.length);
        for (const key of wanted) {
          expect(list.floor(key)?.key).toBe(sorted.findLast((other) => other <= key));
          expect(list.ceiling(key)?.key).toBe(sorted.find((other) => other >= key));
        }
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MergeOrder, mergedRanges, mergePlaces } from '#lib/parallel/protocol/merge-order.js';
import { shardRows } from '#lib/parallel/protocol/shards.js';

/** Merges the names of items, and notes the most places that were in use. */
function merger(count: number) {
  const stack: string[] = [];
  const order = new MergeOrder(count, (place) => {
    stack[place] = `(${stack[place]} ${stack.pop()})`;
  });
  return { stack, order };
}

/** The tree that one side makes of all items. */
function whole(count: number): string {
  const { stack, order } = merger(count);
  for (let index = 0; index < count; index++) {
    stack[order.next] = `${index}`;
    order.add({ level: 0, index });
  }
  expect(stack).toHaveLength(1);
  return stack[0] as string;
}

describe('the order of merges', () => {
  it('joins neighbours in pairs, then pairs of pairs', () => {
    expect(whole(1)).toBe('0');
    expect(whole(2)).toBe('(0 1)');
    expect(whole(5)).toBe('(((0 1) (2 3)) 4)');
    expect(whole(7)).toBe('(((0 1) (2 3)) ((4 5) 6))');
  });

  it('is the same wherever the list is cut, and needs few places', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }), (count, workers) => {
        const { stack, order } = merger(count);
        for (let rank = 0; rank < workers; rank++) {
          const { start, count: own } = shardRows(count, workers, rank);
          const part = merger(count);
          for (let index = start; index < start + own; index++) {
            part.stack[part.order.next] = `${index}`;
            expect(part.stack.length).toBeLessThanOrEqual(mergePlaces(Math.ceil(count / workers)));
            part.order.add({ level: 0, index });
          }
          const ranges = mergedRanges(count, start, start + own);
          expect(ranges).toHaveLength(part.stack.length);
          ranges.forEach((range, i) => {
            stack[order.next] = part.stack[i] as string;
            order.add(range);
          });
        }
        expect(stack).toEqual([whole(count)]);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planReductionTree } from '#lib/parallel/protocol/reduction-tree.js';
import { addon } from '#lib/runtime/addon.js';

/**
 * The promised additions as text: neighbours in pairs, then pairs of pairs, with what is left over added at the end.
 */
function tree(shards: readonly (string | null)[]): string | null {
  if (shards.length === 1) return shards[0] as string | null;
  const next: (string | null)[] = [];
  for (let i = 0; i < shards.length; i += 2) {
    const [a, b] = [shards[i] ?? null, shards[i + 1] ?? null];
    next.push(a !== null && b !== null ? `(${a}+${b})` : (a ?? b));
  }
  return tree(next);
}

/**
 * The additions of the workers and then of the program, as text. Each worker runs alone, so that a slot of another one
 * would show.
 */
function additions(
  present: readonly boolean[],
  workers: number,
  atOnce: readonly number[] = [],
  apart = false,
): string | undefined {
  const { slots, work, program } = planReductionTree(present, workers, apart, new Set(atOnce));
  const memory = new Array<string | undefined>(slots);
  for (const groups of work) {
    for (const group of groups) {
      if (apart) expect(group.units.length).toBe(1);
      const used: number[] = [];
      for (const word of group.program) {
        if (word !== addon().constants.sums.add) {
          const slot = group.slots[word] as number;
          const unit = group.units[word] as readonly number[];
          if (unit.length > 1) expect(atOnce).toContain(unit.length);
          memory[slot] = tree(unit.map(String)) as string;
          used.push(slot);
        } else {
          const from = used.pop() as number;
          const to = used.at(-1) as number;
          memory[to] = `(${memory[to]}+${memory[from]})`;
          memory[from] = undefined;
        }
      }
      expect(used).toEqual([group.slots[0]]);
    }
  }
  const stack: (string | undefined)[] = [];
  for (const word of program) {
    if (word !== addon().constants.sums.add) stack.push(memory[word]);
    else {
      const right = stack.pop();
      stack.push(`(${stack.pop()}+${right})`);
    }
  }
  expect(stack.length).toBe(1);
  return stack[0];
}

const presentShards = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 40 })
  .filter((present) => present.some(Boolean));

describe('the reduction of shards', () => {
  it('adds in one binary tree, whatever the number of workers', () => {
    fc.assert(
      fc.property(presentShards, fc.integer({ min: 1, max: 45 }), (present, workers) => {
        const names = present.map((has, shard) => (has ? `${shard}` : null));
        expect(additions(present, workers)).toBe(tree(names));
      }),
      { numRuns: 500 },
    );
  });

  it('is the same where some plans compute several shards at once', () => {
    const counts = fc.array(fc.integer({ min: 2, max: 20 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 10 }),
        counts,
        (shards, workers, atOnce) => {
          const all = new Array<boolean>(shards).fill(true);
          for (const apart of [false, true]) {
            expect(additions(all, workers, atOnce, apart)).toBe(additions(all, workers));
          }
          expect(planReductionTree(all, workers, false, new Set(atOnce)).slots).toBeLessThanOrEqual(
            planReductionTree(all, workers).slots,
          );
        },
      ),
    );
  });

  it('is ((0 + 1) + (2 + 3)) + 4 for five shards', () => {
    const all = new Array<boolean>(5).fill(true);
    for (const workers of [1, 2, 3, 4, 5, 8]) expect(additions(all, workers)).toBe('(((0+1)+(2+3))+4)');
  });

  it('needs slots that grow with the logarithm of the shards', () => {
    const slotsOf = (shards: number, workers: number) =>
      planReductionTree(new Array<boolean>(shards).fill(true), workers).slots;
    for (let shards = 1; shards <= 300; shards++) {
      expect(slotsOf(shards, 1)).toBeLessThanOrEqual(Math.floor(Math.log2(shards)) + 2);
      for (const workers of [2, 3, 5, 8]) {
        const each = Math.ceil(shards / workers);
        expect(slotsOf(shards, workers)).toBeLessThanOrEqual(workers * (2 * Math.floor(Math.log2(each)) + 2));
      }
    }
    expect([8, 64, 512].map((shards) => slotsOf(shards, 1))).toEqual([4, 7, 10]);
    expect(slotsOf(8, 8)).toBe(8);
  });

  it('needs no more slots where shards are empty', () => {
    fc.assert(
      fc.property(presentShards, fc.integer({ min: 1, max: 10 }), (present, workers) => {
        const all = planReductionTree(new Array<boolean>(present.length).fill(true), workers);
        expect(planReductionTree(present, workers).slots).toBeLessThanOrEqual(all.slots);
      }),
    );
  });
});

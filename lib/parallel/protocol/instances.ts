import { addon } from '../../runtime/addon.js';
import { planReductionTree } from './reduction-tree.js';
import { presentShards, shardRows } from './shards.js';

/** Most shards that can run together. */
export function mostTogether(): number {
  return addon().constants.sums.mostRuns;
}

/** Distribution of batches over shards and workers. */
export interface Sharing {
  /** Row counts of the batches. */
  readonly batches: readonly number[];
  readonly shards: number;
  readonly workers: number;
  /** True if fewer workers may be active. */
  readonly mayBeFewer: boolean;
  /** True if shards wait for each other, so that all units of a worker run at the same time. */
  readonly apart: boolean;
  /** Rows of shards that one plan may compute at once, and numbers of these. */
  readonly atOnce?: { readonly rows: number; readonly counts: ReadonlySet<number> };
}

/**
 * Number of shards that a worker may run together, and the rows of each; where shards wait for each other, that of units, and
 * the rows of some.
 */
export interface Group {
  readonly count: number;
  readonly rows: number;
}

/**
 * Groups of shards that each worker, by rank, may run together, every shard in its own arena: equal ones; or all units where
 * shards wait for each other.
 */
export function groupsOf({ batches, shards, workers, mayBeFewer, apart, atOnce }: Sharing): Group[][] {
  const active = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Array.from({ length: workers }, (_, rank) =>
    batches.flatMap((count) =>
      active.flatMap((some) => {
        const rowsOf = (unit: readonly number[]) =>
          unit.reduce((sum, shard) => sum + shardRows(count, shards, shard).count, 0);
        const counts = atOnce?.rows === count / shards ? atOnce.counts : undefined;
        const work = planReductionTree(presentShards(count, shards), some, apart, counts).work[rank] ?? [];
        if (apart) {
          const rows = work.flatMap((group) => group.units.map(rowsOf));
          return [...new Set(rows)].map((size): Group => ({ count: rows.length, rows: size }));
        }
        return work.flatMap((group): Group[] => {
          // Those of one plan have one arena, and are added in turn.
          if (group.units.some(({ length }) => length > 1)) return [];
          const sizes = new Set(group.units.flat().map((shard) => shardRows(count, shards, shard).count));
          const [rows] = sizes;
          return rows === undefined || sizes.size > 1 ? [] : [{ count: group.units.length, rows }];
        });
      }),
    ),
  );
}

/** Shard sizes for each instance of a worker's plans after the first. */
export function sizesOfInstances(groups: readonly Group[], together: number): number[][] {
  const allowed = groups.filter(({ count }) => count <= together);
  const most = Math.max(1, ...allowed.map(({ count }) => count));
  return Array.from({ length: most - 1 }, (_, i) => [
    ...new Set(allowed.flatMap(({ count, rows }) => (count > i + 1 ? [rows] : []))),
  ]);
}

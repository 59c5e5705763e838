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
  /** True if shards wait for each other, so that all those of a worker run together. */
  readonly apart: boolean;
}

/** Number of shards that a worker may run together, and the rows of each, or of some where they wait for each other. */
export interface Group {
  readonly count: number;
  readonly rows: number;
}

/**
 * Groups of shards that each worker, by rank, may run together, every shard in its own arena: equal ones, or all where they
 * wait for each other.
 */
export function groupsOf({ batches, shards, workers, mayBeFewer, apart }: Sharing): Group[][] {
  const active = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Array.from({ length: workers }, (_, rank) =>
    batches.flatMap((count) =>
      active.flatMap((some) => {
        const work = planReductionTree(presentShards(count, shards), some, apart).work[rank] ?? [];
        if (apart) {
          const rows = work.flatMap((group) =>
            group.shards.map((shard) => shardRows(count, shards, shard).count),
          );
          return [...new Set(rows)].map((size): Group => ({ count: rows.length, rows: size }));
        }
        return work.flatMap((group): Group[] => {
          const sizes = new Set(group.shards.map((shard) => shardRows(count, shards, shard).count));
          const [rows] = sizes;
          return rows === undefined || sizes.size > 1 ? [] : [{ count: group.shards.length, rows }];
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

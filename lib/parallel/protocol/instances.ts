import { planReductionTree } from './reduction-tree.js';
import { presentShards, shardRows } from './shards.js';

/** How batches are shared out. */
export interface Sharing {
  /** The numbers of rows that batches have. */
  readonly batches: readonly number[];
  readonly shards: number;
  readonly workers: number;
  /** Whether fewer workers than these may be at work. */
  readonly mayBeFewer: boolean;
}

/** Equal shards that a worker may run together: how many, and of how many rows. */
export interface Group {
  readonly count: number;
  readonly rows: number;
}

/** By rank, the groups of equal shards that each worker may run together, in an arena for each. */
export function groupsOf({ batches, shards, workers, mayBeFewer }: Sharing): Group[][] {
  const active = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Array.from({ length: workers }, (_, rank) =>
    batches.flatMap((count) =>
      active.flatMap((some) => {
        const work = planReductionTree(presentShards(count, shards), some).work[rank] ?? [];
        return work.flatMap((group): Group[] => {
          const sizes = new Set(group.shards.map((shard) => shardRows(count, shards, shard).count));
          const [rows] = sizes;
          return rows === undefined || sizes.size > 1 ? [] : [{ count: group.shards.length, rows }];
        });
      }),
    ),
  );
}

/** For each instance of a worker's plans behind the first, the sizes of the shards that it runs on. */
export function sizesOfInstances(groups: readonly Group[], together: number): number[][] {
  const allowed = groups.filter(({ count }) => count <= together);
  const most = Math.max(1, ...allowed.map(({ count }) => count));
  return Array.from({ length: most - 1 }, (_, i) => [
    ...new Set(allowed.flatMap(({ count, rows }) => (count > i + 1 ? [rows] : []))),
  ]);
}

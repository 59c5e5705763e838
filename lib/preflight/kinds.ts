import { type Kind, listOf, optional } from '../graph/arguments/kind.js';
import { anything, number, recordOf, withFields } from '../graph/arguments/kinds.js';
import type { MemoryPlan, MemoryPoint, Pace } from '../train/index.js';

const bytes = recordOf(number, 'bytes by purpose');

/** A plan; what is drawn of it may have been left out. */
export const memoryPlan: Kind<MemoryPlan> = withFields<MemoryPlan>('a plan, as Trainer.plan gives it', {
  budget: optional(withFields<{ bytes: number }>('a budget', { bytes: number })),
  batchSize: number,
  shards: number,
  workers: number,
  shared: bytes,
  worker: bytes,
  perWorkers: number,
  peak: number,
  flops: number,
  recomputedFlops: number,
  // NaN, which JSON turns to null, for a stream of unknown length.
  steps: anything('a number'),
  curve: listOf(
    withFields<MemoryPoint>('a budget and its cost', {
      bytes: number,
      arena: number,
      recomputedFlops: number,
    }),
    'budgets',
  ),
});

export const pace: Kind<Pace> = withFields<Pace>('a pace, as Trainer.pace measures it', {
  milliseconds: number,
  examplesPerSecond: number,
  epochSeconds: number,
  steps: number,
});

import { peakOf } from '../../compile/liveness/live-bytes.js';
import type { Binding, Plan } from '../../compile/plan/plan.js';
import { sum } from '../statistics.js';
import { productFlops } from './products.js';

/** The plans of one step of a case: those of the shards, and those of the update. */
export interface StepPlans {
  /** One for each shard; of a prediction, the only one. */
  readonly shards: readonly Plan[];
  /** One for each worker that updates; none for a prediction. */
  readonly updates: readonly Plan[];
}

/** What a step of a case cannot avoid. */
export interface CaseWork {
  /** Operations of the products. */
  readonly flops: number;
  /** Parameters and the optimiser's memory, or the weights that a prediction reads. */
  readonly stateBytes: number;
  /** True if the state is written as well. */
  readonly writesState: boolean;
  /** The most bytes that a shard keeps for later at one time. */
  readonly liveBytes: number;
  readonly shards: number;
}

/** The work of a step, from its plans. */
export function workOfStep({ shards, updates }: StepPlans): CaseWork {
  const stateOf = (plans: readonly Plan[]) =>
    sum(plans.flatMap(({ bindings }) => bindings.filter(isState).map(({ bytes }) => bytes)));
  return {
    flops: sum([...shards, ...updates].map(productFlops)),
    stateBytes: stateOf(updates.length > 0 ? updates : shards),
    writesState: updates.length > 0,
    liveBytes: Math.min(...shards.map(({ blocks, steps }) => peakOf(blocks, steps.length))),
    shards: shards.length,
  };
}

function isState({ kind }: Binding): boolean {
  return kind === 'variable' || kind === 'constant';
}

/**
 * Bytes that a step moves between caches of so many bytes and what is behind them, at least. What is alive at one time and
 * exceeds the caches is behind them then: it was or will be written there, and it will be or was read from there. Each
 * round of shards on all threads has such a time; the state counts in the first of them.
 */
export function bytesBehind(work: CaseWork, cacheBytes: number, threads: number): number {
  const { stateBytes, writesState, liveBytes, shards } = work;
  if (!writesState) return Math.max(0, stateBytes - cacheBytes);
  const together = Math.min(threads, shards);
  const rounds = Math.floor(shards / together);
  const first = Math.max(0, stateBytes + together * liveBytes - cacheBytes);
  const others = (rounds - 1) * Math.max(0, together * liveBytes - cacheBytes);
  return 2 * (first + others);
}

import type { Allowance } from '../prepare/jobs.js';
import type { Checkpointing } from './checkpointing.js';
import type { RestartBudget } from './restart-budget.js';
import type { StreamFeed } from './stream-feed.js';

/** What the epochs of a call of `fit` share. */
export interface Fitting {
  readonly restarts: RestartBudget;
  readonly saving: Checkpointing | undefined;
  /** Where the data are a stream. */
  readonly feed: StreamFeed | undefined;
  readonly signal: AbortSignal | undefined;
  readonly allowance: Allowance;
}

import type { Variable } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { currentTrace } from '../graph/trace.js';
import type { GradientShares } from './gradient-loss.js';
import type { Optimizer } from './optimizer.js';

/** Optimiser state of a parameter. */
export interface ParameterMemory {
  /** In the order of the rule's state. */
  readonly state: readonly Variable[];
  readonly average: Variable | undefined;
  /** Sum of the gradients since the last update. */
  readonly sum: Variable | undefined;
}

/** An update that a traced function requests from an optimiser. */
export interface UpdateRequest {
  readonly optimizer: Optimizer;
  /** Trainable parameters. */
  readonly parameters: readonly Variable[];
  /** One for each parameter, as in `memories`. */
  readonly gradients: readonly Tensor[];
  readonly memories: readonly ParameterMemory[];
  readonly shares: GradientShares;
  /** Weight of the steps since the last update. */
  readonly accumulated: Variable;
}

declare module '../graph/trace.js' {
  interface Trace {
    /** The updates that the function requests; undefined if optimisers write them into its graph instead. */
    updates?: UpdateRequest[];
  }
}

/**
 * Collects the updates that the function being traced requests from now on; optimisers do not write them into its
 * graph.
 */
export function collectUpdates(): UpdateRequest[] {
  const requests: UpdateRequest[] = [];
  currentTrace('collectUpdates').updates = requests;
  return requests;
}

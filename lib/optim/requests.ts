import type { Variable } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { currentTrace, type Trace } from '../graph/trace.js';
import type { Optimizer } from './optimizer.js';

/** What an optimiser remembers of a parameter. */
export interface ParameterMemory {
  /** In the order of the rule's state. */
  readonly state: readonly Variable[];
  readonly average: Variable | undefined;
  /** The sum of the gradients since the last update. */
  readonly sum: Variable | undefined;
}

/** An update that a traced function has asked an optimiser for. */
export interface UpdateRequest {
  readonly optimizer: Optimizer;
  /** Those that may change. */
  readonly parameters: readonly Variable[];
  /** One for each parameter, as all that follow. */
  readonly gradients: readonly Tensor[];
  readonly memories: readonly ParameterMemory[];
}

const collections = new WeakMap<Trace, UpdateRequest[]>();

/** Takes over the updates that the function being traced asks for from now on; optimisers do not write them into its graph. */
export function collectUpdates(): UpdateRequest[] {
  const requests: UpdateRequest[] = [];
  collections.set(currentTrace('collectUpdates'), requests);
  return requests;
}

/** Where updates go that are asked for in a trace, if someone takes them over. */
export function collectionOf(trace: Trace): UpdateRequest[] | undefined {
  return collections.get(trace);
}

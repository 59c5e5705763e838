import type { Form } from '../../data/index.js';
import { at } from '../../graph/at.js';
import type { Variable } from '../../graph/leaf.js';
import type { BoundPlanChoices } from './bound-plan-choices.js';
import { compileGradients, type Figure, type Forward } from './compile-shard.js';
import type { FlatParameters } from './flat-parameters.js';

/** Source of the gradient plans of shards. */
export interface ShardSource {
  readonly forward: Forward;
  readonly loss: Figure;
  readonly inputs: Form;
  readonly targets: Form;
  readonly parameters: FlatParameters;
}

/** Compiles the gradient plans by shard size, and the buffers that they assign, which are the same for all sizes. */
export function compileShards(
  sizes: readonly number[],
  { forward, loss, inputs, targets, parameters }: ShardSource,
): { plans: Map<number, BoundPlanChoices>; assigned: readonly Variable[] } {
  const compileAll = (also: readonly Variable[]) =>
    sizes.map((rows) => compileGradients(forward, loss, { rows, inputs, targets }, parameters, also));
  const first = compileAll([]);
  const assigned = [...new Set(first.flatMap((shard) => shard.assigned))];
  const complete = first.every((shard) => shard.assigned.length === assigned.length);
  const shards = complete ? first : compileAll(assigned);
  return {
    plans: new Map(sizes.map((rows, i) => [rows, at(shards, i).plans])),
    assigned,
  };
}

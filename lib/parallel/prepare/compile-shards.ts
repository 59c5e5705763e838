import type { Form } from '../../data/index.js';
import type { Variable } from '../../graph/leaf.js';
import type { BoundPlanChoices } from './bound-plan-choices.js';
import { compileGradients, type Figure, type Forward, type ShardGradients } from './compile-shard.js';
import type { FlatParameters } from './flat-parameters.js';

/** What the gradients of shards are compiled from. */
export interface ShardSource {
  readonly forward: Forward;
  readonly loss: Figure;
  readonly inputs: Form;
  readonly targets: Form;
  readonly parameters: FlatParameters;
}

/** The gradient plans for shards of so many rows, by size, and the buffers that they give values to: all of them the same. */
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
    plans: new Map(sizes.map((rows, i) => [rows, (shards[i] as ShardGradients).plans])),
    assigned,
  };
}

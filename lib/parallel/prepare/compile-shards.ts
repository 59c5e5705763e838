import type { Form } from '../../data/index.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { FigureKind } from '../../nn/losses/sums.js';
import type { BoundPlanChoices } from './bound-plan-choices.js';
import { compileGradients, type Forward } from './compile-shard.js';
import type { BatchFunction } from './figure-states.js';
import type { FlatParameters } from './flat-parameters.js';

/** Source of the gradient plans of shards. */
export interface ShardSource {
  readonly forward: Forward;
  readonly loss: BatchFunction;
  readonly inputs: Form;
  readonly targets: Form;
  readonly parameters: FlatParameters;
  /** Steps of an update. */
  readonly accumulate: number;
}

/** The gradient plans of shards by size, the buffers that they assign, and the kind of the loss. */
export interface CompiledShards {
  readonly plans: Map<number, BoundPlanChoices>;
  readonly assigned: readonly Variable[];
  readonly kind: FigureKind;
}

/** Compiles the gradient plans by shard size. All assign the same buffers. */
export function compileShards(
  sizes: readonly number[],
  { forward, loss, inputs, targets, parameters, accumulate }: ShardSource,
): CompiledShards {
  const compileAll = (alsoAssigned: readonly Variable[]) =>
    sizes.map((rows) =>
      compileGradients(forward, loss, { rows, inputs, targets }, parameters, {
        accumulates: accumulate > 1,
        alsoAssigned,
      }),
    );
  const first = compileAll([]);
  const assigned = [...new Set(first.flatMap((shard) => shard.assigned))];
  const complete = first.every((shard) => shard.assigned.length === assigned.length);
  const shards = complete ? first : compileAll(assigned);
  const { kind } = at(shards, 0);
  const other = shards.find((shard) => shard.kind !== kind);
  if (other)
    throw invalid('Trainer', `the loss must be a ${kind} for every number of rows`, `a ${other.kind}`);
  return {
    kind,
    plans: new Map(sizes.map((rows, i) => [rows, at(shards, i).plans])),
    assigned,
  };
}

import type { Columns } from '../../data/columns.js';
import type { Form } from '../../data/index.js';
import { at } from '../../graph/at.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { BatchFunction } from '../../nn/losses/batch-loss.js';
import type { FigureKind } from '../../nn/losses/sums.js';
import type { Forward } from '../../nn/model-input.js';
import type { FactorLayout, ShardsAtOncePlans } from '../protocol/job.js';
import type { BoundPlanChoices } from './bound-plan-choices.js';
import { bindShard, bindShards, type ShardGradients, traceGradients } from './compile-shard.js';
import { type Exchanged, exchangedBy } from './exchange.js';
import type { FlatParameters } from './flat-parameters.js';
import { type BatchForm, chooseProducts } from './weight-products.js';

/** Source of the gradient plans of shards. */
export interface ShardSource {
  readonly forward: Forward;
  readonly loss: BatchFunction;
  readonly forms: Columns<Form>;
  readonly parameters: FlatParameters;
  /** Steps of an update. */
  readonly accumulate: number;
  /** Parts that a batch is cut into. */
  readonly shards: number;
  /**
   * The gradients that are left as factors, as for earlier plans; or the batch by which they are chosen. Default: all
   * gradients are stored.
   */
  readonly factors?: FactorLayout | BatchForm | undefined;
}

/** The gradient plans of shards by size, the buffers that they assign, and the kind of the loss. */
export interface CompiledShards {
  readonly plans: Map<number, BoundPlanChoices>;
  readonly assigned: readonly Variable[];
  readonly kind: FigureKind;
  /** The gradients that are left as factors, if any. */
  readonly factors?: FactorLayout | undefined;
  /** Compiles plans for so many shards of the first size at once; none if the graph cannot be computed so. */
  readonly atOnce: (counts: readonly number[]) => ShardsAtOncePlans<BoundPlanChoices>;
  /** The values that shards exchange, if any. */
  readonly exchanged: Exchanged | undefined;
}

/** Compiles the gradient plans by shard size. All assign the same buffers, and leave the same gradients as factors. */
export function compileShards(
  sizes: readonly number[],
  { forward, loss, forms, parameters, accumulate, shards, factors: asked }: ShardSource,
): CompiledShards {
  const trace = (rows: number) =>
    traceGradients(forward, loss, { rows, forms }, parameters, {
      accumulates: accumulate > 1,
      sharded: shards > 1,
    });
  const traced = sizes.map(trace);
  const { kind } = at(traced, 0);
  const other = traced.find((shard) => shard.kind !== kind);
  if (other)
    throw invalid('Trainer', `the loss must be a ${kind} for every number of rows`, `a ${other.kind}`);
  const assigned = [...new Set(traced.flatMap(({ shard }) => [...shard.assignments.keys()]))];
  const gradientsOf = ({ rows, shard }: ShardGradients) => ({ rows, gradients: shard.gradients });
  const choose = (form: BatchForm) =>
    chooseProducts(parameters, form, traced.map(gradientsOf), (rows) => gradientsOf(trace(rows)));
  const factors = asked && ('products' in asked ? asked : choose(asked));
  const plans = new Map(
    traced.map(({ rows, shard }) => [
      rows,
      bindShard(shard, parameters, assigned, factors && { layout: factors, rows }),
    ]),
  );
  const exchanged = exchangedBy(
    'Trainer',
    [...plans.values()].map(({ quickest }) => quickest.plan),
  );
  const { rows, shard } = at(traced, 0);
  const atOnce = (counts: readonly number[]) => {
    const several = counts.flatMap((count): [number, BoundPlanChoices][] => {
      const layout = factors && { layout: factors, rows };
      const bound = bindShards({ count, rows }, shard, parameters, assigned, layout);
      return bound ? [[count, bound]] : [];
    });
    return { rows, plans: new Map(several) };
  };
  return { kind, plans, assigned, factors, exchanged, atOnce };
}

import { type Columns, of, sidesOf } from '../../data/columns.js';
import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import type { Structure } from '../../graph/structure.js';
import { reachable, type Tensor, upcomingId } from '../../graph/tensor.js';
import { currentTrace, traced } from '../../graph/trace.js';
import { recordCalls } from '../../health/record.js';
import { type Forward, forwardOf } from '../../nn/model-input.js';
import type { AnyModule } from '../../nn/module.js';
import { Parameter } from '../../nn/parameter.js';
import { placeholders, type ShardForm, shapesOf } from '../../parallel/prepare/compile-shard.js';
import { traceFigure } from '../../parallel/prepare/figure-states.js';
import type { JobContext, Metrics } from './compile-job.js';
import { requireHeld } from './held.js';

import { requireLikeShapes, termsOf } from './mixed-shapes.js';
import { inInference } from './mode.js';
import { namedFigure } from './placed-figures.js';
import { moduleSet, requireReached, unreached } from './reached.js';

/** What a trace of a model on a whole batch tells. */
export interface BatchTrace {
  /** Shapes of the model's outputs for one sample. */
  readonly outputShapes: Structure<Shape>;
  /** Paths of the trainable parameters that the loss does not depend on. */
  readonly untrained: readonly string[];
}

/**
 * Traces a model and its loss on a whole batch, before its shards are compiled, so that errors speak of the batch and of
 * the layer.
 *
 * @throws if a shape does not fit; if the loss compares outputs with the targets of other samples; if the loss depends on
 *   trainable parameters that the model does not hold, or on the mode of a module that it does not hold; if a metric is
 *   none
 */
export function traceBatch(
  { model, loss, metrics }: Pick<JobContext, 'model' | 'loss' | 'metrics'>,
  form: ShardForm,
): BatchTrace {
  const columns = placeholders(form);
  const { inputs, targets, weights } = sidesOf(columns);
  const modules = moduleSet(model);
  const held = new Set<Tensor>([...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)]);
  const start = upcomingId();
  const { result, trace } = traced(
    () =>
      recordCalls(model, () => {
        const output = forwardOf('Trainer', model)(inputs);
        return { output, loss: loss(output, targets, weights) };
      }).result,
  );
  requireLikeShapes('the loss', result.output, targets, result.loss);
  const roots = termsOf(result.loss);
  const reached = new Set(reachable(roots, stopsGradients));
  requireHeld({ model, held, start, reached, assigned: [...trace.assignments.keys()] });
  requireReached(inInference(model, () => unreached(modules, trace)));
  const read = readBy(columns, roots);
  requireUsed(columns, new Set([...read, ...checkMetrics(model, metrics, form)]));
  const untrained = model
    .namedParameters()
    .filter(([, parameter]) => parameter.trainable && parameter.size > 0 && !reached.has(parameter));
  return { outputShapes: shapesOf(result.output), untrained: untrained.map(([path]) => path) };
}

/**
 * Checks the metrics, which are computed only after an epoch, before the first step.
 *
 * @returns the columns that some metric reads
 */
function checkMetrics(model: AnyModule, metrics: Metrics, form: ShardForm): ReadonlySet<string> {
  const figures = Object.entries(metrics);
  if (figures.length === 0) return new Set();
  const columns = placeholders(form);
  const { inputs, targets: target, weights } = sidesOf(columns);
  const kept = traced(() => {
    const output = inInference(model, () => inferring(model)(inputs));
    const batch = { output, target, weights, rows: form.rows };
    return figures.flatMap(([name, figure]) => {
      const { state, columns: ofSamples } = traceFigure(`metric ${name}`, namedFigure(name, figure), batch);
      return [...state, ...ofSamples];
    });
  }).result;
  return readBy(columns, kept);
}

/** The columns that nodes depend on. */
function readBy(columns: Columns<Tensor>, nodes: readonly Tensor[]): ReadonlySet<string> {
  const all = new Set(reachable(nodes));
  return new Set(Object.keys(columns).filter((name) => all.has(of(columns, name))));
}

/** Checks that of several columns of a side each serves something: a name that differs would leave one out. */
function requireUsed(columns: Columns<Tensor>, read: ReadonlySet<string>): void {
  const unused = Object.keys(columns).find((name) => !read.has(name) && /[.[]/.test(name));
  if (unused === undefined) return;
  const readers = unused.startsWith('inputs') ? 'the model' : 'a loss or a metric';
  throw invalid(
    'Trainer',
    `${unused} of the data set must be used by ${readers}; leave it out if it is not needed`,
  );
}

/**
 * The forward method of a model in inference, within a trace.
 *
 * @throws if a module that the model does not hold is still in training there
 */
export function inferring(model: AnyModule): Forward {
  return (inputs) => {
    const modules = moduleSet(model);
    const output = forwardOf('Trainer', model)(inputs);
    requireReached(unreached(modules, currentTrace('forward')));
    return output;
  };
}

/** True for a node through which no gradient flows to its inputs. */
function stopsGradients(node: Tensor): boolean {
  return !isFloat(node.dtype) || (!node.op.grad && !(node instanceof Parameter));
}

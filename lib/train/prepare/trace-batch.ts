import { type Columns, columnsRead, sidesOf } from '../../data/columns.js';
import { isFloat } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import type { Structure } from '../../graph/structure.js';
import { reachable, type Tensor, upcomingId } from '../../graph/tensor.js';
import { currentTrace, traced } from '../../graph/trace.js';
import { recordCalls } from '../../health/record.js';
import { type Forward, forwardOf, tensorsIn } from '../../nn/model-input.js';
import type { AnyModule } from '../../nn/module.js';
import { Parameter } from '../../nn/parameter.js';
import { requireUsed, unused } from '../../nn/used-inputs.js';
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
 *   none; if a column of the data serves nothing
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
  const read = columnsRead(columns, [...roots, ...tensorsIn(result.output), ...trace.assignments.values()]);
  const isInferred = Object.keys(metrics).length > 0 || unreadColumn(columns, read) !== undefined;
  const readInInference = isInferred ? checkMetrics(model, metrics, form) : [];
  const unread = unreadColumn(columns, new Set([...read, ...readInInference]));
  if (unread !== undefined) throw unused('Trainer', unread, ' of the data set');
  const untrained = model
    .namedParameters()
    .filter(([, parameter]) => parameter.trainable && parameter.size > 0 && !reached.has(parameter));
  return { outputShapes: shapesOf(result.output), untrained: untrained.map(([path]) => path) };
}

/**
 * Checks the metrics, which are computed only after an epoch, before the first step.
 *
 * @returns the columns that a metric or the model reads in inference
 */
function checkMetrics(model: AnyModule, metrics: Metrics, form: ShardForm): ReadonlySet<string> {
  const columns = placeholders(form);
  const { inputs, targets: target, weights } = sidesOf(columns);
  const kept = traced(() => {
    const output = inInference(model, () => inferring(model)(inputs));
    const batch = { output, target, weights, rows: form.rows };
    const ofFigures = Object.entries(metrics).flatMap(([name, figure]) => {
      const { state, columns: ofSamples } = traceFigure(`metric ${name}`, namedFigure(name, figure), batch);
      return [...state, ...ofSamples];
    });
    return [...ofFigures, ...tensorsIn(output)];
  }).result;
  return columnsRead(columns, kept);
}

/** The first column that is not read, if any: one of several on its side, or the weights. */
export function unreadColumn(columns: Columns<unknown>, read: ReadonlySet<string>): string | undefined {
  return Object.keys(columns).find((name) => name !== 'inputs' && name !== 'targets' && !read.has(name));
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

/**
 * The forward method of a model in inference, within a trace, for inputs of `predict`.
 *
 * @throws as `inferring` does, and if an input does not serve the output
 */
export function predicting(model: AnyModule): Forward {
  return (inputs) => {
    const output = inferring(model)(inputs);
    requireUsed('predict', 'inputs', inputs, tensorsIn(output));
    return output;
  };
}

/** True for a node through which no gradient flows to its inputs. */
function stopsGradients(node: Tensor): boolean {
  return !isFloat(node.dtype) || (!node.op.grad && !(node instanceof Parameter));
}

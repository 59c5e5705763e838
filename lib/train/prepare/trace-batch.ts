import { isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import { reachable, Tensor, upcomingId } from '../../graph/tensor.js';
import { currentTrace, traced } from '../../graph/trace.js';
import { recordCalls } from '../../health/record.js';
import type { Module } from '../../nn/index.js';
import { asModelInput } from '../../nn/model-input.js';
import { Parameter } from '../../nn/parameter.js';
import { type Forward, placeholders, type ShardForm } from '../../parallel/prepare/compile-shard.js';
import { traceFigure } from '../../parallel/prepare/figure-states.js';
import type { JobContext, Metrics } from './compile-job.js';
import { requireHeld } from './held.js';
import { namedFigure } from './metrics.js';
import { requireLikeShapes, termsOf } from './mixed-shapes.js';
import { inInference } from './mode.js';
import { moduleSet, requireReached, unreached } from './reached.js';

/** What a trace of a model on a whole batch tells. */
export interface BatchTrace {
  /** Shape of the model's output for one sample. */
  readonly outputShape: Shape;
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
  const { x, y } = placeholders(form);
  const modules = moduleSet(model);
  const held = new Set<Tensor>([...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)]);
  const start = upcomingId();
  const { result, trace } = traced(
    () =>
      recordCalls(model, () => {
        const output = requireOutput(model.forward(asModelInput(x)));
        return { output, loss: loss(output, y) };
      }).result,
  );
  requireLikeShapes('the loss', result.output, y, result.loss);
  const roots = termsOf(result.loss);
  const reached = new Set(reachable(roots, stopsGradients));
  requireHeld({ model, held, start, reached, assigned: [...trace.assignments.keys()] });
  requireReached(inInference(model, () => unreached(modules, trace)));
  checkMetrics(model, metrics, form);
  const untrained = model
    .namedParameters()
    .filter(([, parameter]) => parameter.trainable && parameter.size > 0 && !reached.has(parameter));
  return { outputShape: result.output.shape.slice(1), untrained: untrained.map(([path]) => path) };
}

/** Metrics are computed only after an epoch; what is wrong with one is told before the first step. */
function checkMetrics(model: Module, metrics: Metrics, form: ShardForm): void {
  const figures = Object.entries(metrics);
  if (figures.length === 0) return;
  const { x, y } = placeholders(form);
  traced(() => {
    const output = inInference(model, () => inferring(model)(asModelInput(x)));
    for (const [name, figure] of figures) {
      traceFigure(`metric ${name}`, namedFigure(name, figure), output, y);
    }
  });
}

/**
 * The forward method of a model in inference, within a trace.
 *
 * @throws if a module that the model does not hold is still in training there
 */
export function inferring(model: Module): Forward {
  return (input) => {
    const modules = moduleSet(model);
    const output = requireOutput(model.forward(input));
    requireReached(unreached(modules, currentTrace('forward')));
    return output;
  };
}

function requireOutput(output: unknown): Tensor {
  if (output instanceof Tensor) return output;
  throw invalid('Trainer', "the model's forward must return a tensor", output);
}

/** True for a node through which no gradient flows to its inputs. */
function stopsGradients(node: Tensor): boolean {
  return !isFloat(node.dtype) || (!node.op.grad && !(node instanceof Parameter));
}

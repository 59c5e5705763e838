import type { Form } from '../../data/index.js';
import { isFloat } from '../../graph/dtype.js';
import type { Shape } from '../../graph/shapes.js';
import { reachable, type Tensor, upcomingId } from '../../graph/tensor.js';
import { traced } from '../../graph/trace.js';
import { recordCalls } from '../../health/record.js';
import type { Loss, Module, Sums } from '../../nn/index.js';
import { asModelInput } from '../../nn/model-input.js';
import { Parameter } from '../../nn/parameter.js';
import { placeholders } from '../../parallel/prepare/compile-shard.js';
import { requireHeld } from './held.js';
import { requireLikeShapes, termsOf } from './mixed-shapes.js';

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
 * @throws if a shape does not fit; if the loss compares outputs with the targets of other samples; if the loss depends on trainable parameters that the model does not hold
 */
export function traceBatch(
  { model, loss }: { readonly model: Module; readonly loss: Loss<Tensor | Sums> },
  { rows, inputs, targets }: { readonly rows: number; readonly inputs: Form; readonly targets: Form },
): BatchTrace {
  const { x, y } = placeholders({ rows, inputs, targets });
  const held = new Set<Tensor>([...model.parameters(), ...model.namedBuffers().map(([, buffer]) => buffer)]);
  const start = upcomingId();
  const { result, trace } = traced(
    () =>
      recordCalls(model, () => {
        const output = model.forward(asModelInput(x));
        return { output, loss: loss(output, y) };
      }).result,
  );
  requireLikeShapes('the loss', result.output, y, result.loss);
  const roots = termsOf(result.loss);
  const reached = new Set(reachable(roots, stopsGradients));
  requireHeld({ model, held, start, reached, assigned: [...trace.assignments.keys()] });
  const untrained = model
    .namedParameters()
    .filter(([, parameter]) => parameter.trainable && parameter.size > 0 && !reached.has(parameter));
  return { outputShape: result.output.shape.slice(1), untrained: untrained.map(([path]) => path) };
}

/** True for a node through which no gradient flows to its inputs. */
function stopsGradients(node: Tensor): boolean {
  return !isFloat(node.dtype) || (!node.op.grad && !(node instanceof Parameter));
}

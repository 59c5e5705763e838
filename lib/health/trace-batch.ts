import { tensor } from '../graph/arguments/kinds.js';
import { context, within } from '../graph/context.js';
import { isFloat } from '../graph/dtype.js';
import { ones, zeros } from '../graph/leaf.js';
import type { Origin } from '../graph/origin.js';
import { partsOf } from '../graph/structure.js';
import { reachable, type Tensor, upcomingId } from '../graph/tensor.js';
import { traced } from '../graph/trace.js';
import type { BatchFunction } from '../nn/losses/batch-loss.js';
import { asScalar } from '../nn/losses/sums.js';
import { forwardOf, type Tensors } from '../nn/model-input.js';
import type { AnyModule, NamedParameter } from '../nn/module.js';
import { MODEL } from '../nn/module-tree.js';
import { accumulateGradients } from '../ops/primitives/backward.js';
import { reluOp } from '../ops/primitives/elementwise.js';
import { type LayerCall, LOSS, recordCalls } from './record.js';

/** One batch of a model's inputs and targets. */
export interface LoadedBatch {
  readonly inputs: Tensors;
  readonly targets: Tensors;
  readonly weights?: Tensors | undefined;
}

/** A layer's output and the gradient with respect to it; undefined if no gradient flows back to it. */
export interface TracedLayer {
  readonly path: string;
  readonly type: string;
  readonly output: Tensor;
  readonly gradient: Tensor | undefined;
}

/** Graph of a model's loss and gradients, with the nodes of its layers, ReLUs and parameters. */
export interface ModelTrace {
  readonly loss: Tensor;
  readonly layers: readonly TracedLayer[];
  readonly relus: readonly { readonly path: string; readonly output: Tensor }[];
  readonly parameters: readonly NamedParameter[];
  /** One per parameter; zeros where the loss does not depend on it. */
  readonly gradients: readonly Tensor[];
  /** The values that `forward` assigns to buffers. */
  readonly assigned: readonly Tensor[];
  /** The trainable parameters that the loss does not depend on. */
  readonly untrained: ReadonlySet<Tensor>;
  origin(node: Tensor): Origin;
}

/** Traces the loss of one batch, its layers, and all gradients. Assignments made by `forward` are not made. */
export function traceModel(model: AnyModule, loss: BatchFunction, batch: LoadedBatch): ModelTrace {
  const parameters = model.namedParameters();
  const start = upcomingId();
  const { result: found, trace } = traced(() =>
    recordCalls(model, () => {
      const output = forwardOf('inspect', model)(batch.inputs);
      return asScalar('inspect', 'the loss', loss(output, batch.targets, batch.weights));
    }),
  );
  const { result, calls } = found;
  const nodes = reachable([result]);
  const layers = distinctOutputs(calls, new Set(nodes));
  const leaves = [...parameters.map(([, parameter]) => parameter), ...layers.map(({ output }) => output)];
  const slopes = within({ ...context(), origin: { layer: LOSS, phase: 'backward' } }, () =>
    accumulateGradients([result], [ones(result.shape, result.dtype)], leaves),
  );
  const names = new Map<Tensor, string>([
    ...namesOf('inputs', 'the input', batch.inputs),
    ...namesOf('targets', 'the target', batch.targets),
    ...namesOf('weights', 'the weights', batch.weights),
    ...[...parameters, ...model.namedBuffers()].map(([path, x]) => [x, path] as const),
  ]);
  const origin = (node: Tensor): Origin => {
    const old = names.get(node) ?? (node.id < start ? 'the input' : undefined);
    return old ? { layer: old, phase: 'forward' } : (node.origin ?? { layer: LOSS, phase: 'forward' });
  };
  return {
    loss: result,
    layers: numbered(layers).map(({ path, module, output }, i) => ({
      path,
      type: module.constructor.name,
      output,
      gradient: slopes[parameters.length + i],
    })),
    relus: numbered(
      nodes
        .filter(({ op, size }) => op === reluOp && size > 0)
        .map((output) => ({ path: output.origin?.layer ?? MODEL, output })),
    ),
    parameters,
    gradients: parameters.map(([, x], i) => slopes[i] ?? zeros(x.shape, x.dtype)),
    assigned: [...trace.assignments.values()].filter(({ dtype, size }) => isFloat(dtype) && size > 0),
    untrained: new Set(
      parameters.flatMap(([, x], i) => (x.trainable && x.size > 0 && !slopes[i] ? [x] : [])),
    ),
    origin,
  };
}

/**
 * Names of what a model and its loss are given.
 *
 * @param alone the name of a single tensor
 */
function namesOf(side: string, alone: string, tensors: Tensors | undefined): (readonly [Tensor, string])[] {
  if (tensors === undefined) return [];
  return partsOf(tensors, tensor).map(([place, one]) => [one, place === '' ? alone : side + place]);
}

/** The innermost call for each output, in the order of the forward pass, without calls inside loop bodies. */
function distinctOutputs(calls: readonly LayerCall[], nodes: ReadonlySet<Tensor>): LayerCall[] {
  const seen = new Set<Tensor>();
  const found = calls.filter(({ output }) => {
    if (seen.has(output) || !nodes.has(output) || !isFloat(output.dtype) || output.size === 0) return false;
    seen.add(output);
    return true;
  });
  return found.sort((a, b) => a.output.id - b.output.id);
}

/** Numbers repeated paths from the second on: `fc`, `fc (2)`. */
function numbered<T extends { readonly path: string }>(list: readonly T[]): T[] {
  const counts = new Map<string, number>();
  return list.map((item) => {
    const count = (counts.get(item.path) ?? 0) + 1;
    counts.set(item.path, count);
    return count === 1 ? item : { ...item, path: `${item.path} (${count})` };
  });
}

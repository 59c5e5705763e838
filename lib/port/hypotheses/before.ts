import { tensor } from '../../graph/leaf.js';
import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import * as nn from '../../nn/index.js';
import { layerNorm } from '../../ops/nn/normalisation.js';
import { add, div, mul, sub } from '../../ops/primitives/elementwise.js';
import { flip } from '../../ops/primitives/flip.js';
import { concat, concatOp, flatten, permute } from '../../ops/primitives/movement.js';
import { activations } from './functions.js';
import { about, aboutAny, type Suspicion } from './hypothesis.js';

// What happened before the layer, in code that is no layer of its own.

/** Nodes of the graph that are looked at. */
const MOST = 12;

/** Another activation before the layer, one more, or one less. */
export const activationBefore: Suspicion = aboutAny(function* ({ input: x, graph }) {
  const alike = graph.before().filter((node) => sameShape(node.shape, x.shape) && node.dtype === x.dtype);
  for (const { name, fn } of activations)
    for (const node of alike.slice(1, MOST))
      yield {
        reason: `the original has ${name} before it, in place of what is there here`,
        output: () => graph.given(fn(node)),
      };
  for (const { name, fn } of activations)
    yield {
      reason: `the original has ${name} before it, which is missing here`,
      output: () => graph.given(fn(x)),
    };
  for (const node of alike.slice(1, MOST))
    yield {
      reason: `the original has no ${graph.inputs[0]?.op.kind} before it`,
      output: () => graph.given(node),
    };
});

/** A layer that runs in another place of the order. */
export const layerBefore: Suspicion = aboutAny(function* ({ input: x, graph, siblings }) {
  const root = Math.sqrt(x.shape.at(-1) ?? 1);
  yield {
    reason: 'the original multiplies its input by the root of its features',
    output: () => graph.given(mul(x, root)),
  };
  yield {
    reason: 'the original does not multiply its input by the root of its features',
    output: () => graph.given(div(x, root)),
  };
  for (const [path, sibling] of siblings) {
    const output = () => sibling.forward(x);
    yield { reason: `the original has ${path} before it`, output: () => graph.given(output()) };
    yield {
      reason: `the original has x + ${path}(x) before it`,
      output: () => graph.given(add(x, output())),
    };
  }
});

/** Values of an image in the other order in a row: a linear layer behind a flatten. */
export const orderOfFlatten: Suspicion = aboutAny(function* ({ input: x, graph }) {
  if (x.ndim !== 2) return;
  for (const image of graph.before())
    if (image.ndim > 2 && image.size === x.size && image.shape[0] === x.shape[0])
      yield {
        reason:
          "the original flattens its input with the channels first, as new nn.Flatten({ order: 'channelsFirst' }) does",
        output: () => graph.given(channelsFirst(image)),
      };
});

/** The same of the flattening layer itself. */
export const orderOfFlattenLayer: Suspicion = about([nn.Flatten], function* (_, { input: x }) {
  yield {
    reason: "the original has the channels first, as with new nn.Flatten({ order: 'channelsFirst' })",
    output: () => channelsFirst(x),
  };
});

function channelsFirst(image: Tensor): Tensor {
  const axes = Array.from({ length: image.ndim - 2 }, (_, i) => i + 1);
  return flatten(permute(image, [0, image.ndim - 1, ...axes]), 1);
}

/** Parts that are put together in another order. */
export const orderOfParts: Suspicion = aboutAny(function* ({ graph }) {
  for (const node of graph.before().filter(({ op }) => op === concatOp)) {
    const { axis } = node.attributes as { readonly axis: number };
    yield {
      reason: 'the original concatenates the parts of its input in the other order',
      output: () => graph.replay(new Map([[node, concat([...node.inputs].reverse(), axis)]])),
    };
  }
});

const [MEANS, DEVIATIONS] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];

/** An input of the model that was prepared otherwise. */
export const preparationOfInput: Suspicion = aboutAny(function* ({ graph }) {
  for (const input of graph.modelInputs) {
    const other = (what: string, prepare: (x: Tensor) => Tensor) => ({
      reason: `the original had the model's input ${what}`,
      output: () => graph.replay(new Map([[input, prepare(input)]])),
    });
    const row = (values: number[]) => tensor(values, { dtype: input.dtype });
    if (input.shape.at(-1) === 3) yield other('with BGR in place of RGB', (x) => flip(x, [-1]));
    yield other('divided by 255', (x) => div(x, 255));
    yield other('times 255', (x) => mul(x, 255));
    yield other('scaled from [0, 1] to [-1, 1]', (x) => sub(mul(x, 2), 1));
    if (input.shape.at(-1) === 3)
      yield other("normalised by ImageNet's means and deviations", (x) =>
        div(sub(x, row(MEANS)), row(DEVIATIONS)),
      );
    if (input.ndim > 1)
      yield other('normalised to mean 0 and deviation 1', (x) => layerNorm(x, x.shape.slice(1)));
  }
});

import { sameShape } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { mean } from '../../ops/math/reductions.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { add, div, mul, square, sub } from '../../ops/primitives/elementwise.js';
import { activations, distributions } from './functions.js';
import { aboutAny, type Suspicion } from './hypothesis.js';

// What happened at the end of the layer, or is left over between its output and the recorded one.

const MOST = 12;

/** An activation that follows in the recording, or one more here. */
export const activationAfter: Suspicion = aboutAny(function* ({ output, recorded, graph }) {
  const inside = graph
    .inside()
    .filter((node) => sameShape(node.shape, recorded.shape) && node.dtype === output.dtype)
    .slice(0, MOST);
  for (const node of inside)
    yield { reason: `here it ends with one step more, ${graph.output.op.kind}`, output: () => node };
  for (const { name, fn } of [...activations, ...distributions(output)])
    yield {
      reason: `the original has ${name} at its end: one is missing here, or one changed the recorded output in place`,
      output: () => fn(output),
    };
  for (const { name, fn } of activations)
    for (const node of inside)
      yield {
        reason: `the original has ${name} at its end, in place of what is there here`,
        output: () => fn(node),
      };
});

/** A residual connection that is missing, or one too many. */
export const residualAfter: Suspicion = aboutAny(function* ({ input: x, output }) {
  if (!x || !sameShape(x.shape, output.shape) || x.dtype !== output.dtype) return;
  yield { reason: 'the original adds its input to its output', output: () => add(output, x) };
  yield { reason: 'the original has no residual connection', output: () => sub(output, x) };
  yield { reason: 'the original returns its input', output: () => x };
});

/** Values per channel that a fit needs, so that it proves something. */
const FEW = 4;

/** What differs by a constant of each channel, or by a factor. */
export const remainder: Suspicion = aboutAny(function* ({ output, recorded }) {
  if (!sameShape(output.shape, recorded.shape)) return;
  const outer = Array.from({ length: output.ndim - 1 }, (_, axis) => axis);
  const channels = output.shape.at(-1) ?? 1;
  const perChannel = (x: Tensor) => mean(x, outer, { keepDims: true });
  if (output.ndim > 1 && output.size / channels >= FEW) {
    yield {
      reason: 'the recorded output differs by a constant of each channel: is a bias missing?',
      output: () => add(output, perChannel(sub(recorded, output))),
    };
    yield {
      reason:
        'the recorded output differs by a factor and a constant of each channel: is an affine map missing?',
      output: () => {
        const [a, b] = [sub(output, perChannel(output)), sub(recorded, perChannel(recorded))];
        return add(mul(a, div(perChannel(mul(a, b)), perChannel(square(a)))), perChannel(recorded));
      },
    };
  }
  if (output.size >= FEW)
    yield {
      reason: 'the recorded output is this one times a constant',
      output: () => mul(output, div(sum(mul(output, recorded)), sum(square(output)))),
    };
});

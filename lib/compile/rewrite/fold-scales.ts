import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import { reshape } from '../../ops/primitives/movement.js';
import { vectorOf } from './affine.js';
import { Chains } from './chains.js';
import { rewritten } from './rewritten.js';

/**
 * Folds settled scales, as those of a batch normalisation in inference, into the weights of the products and convolutions
 * before and behind them: `s (W x + b) + t` becomes `(s W) x + (s b + t)`, and `W (s x + t)` becomes `(W s) x + W t`. The
 * new weights are settled; the results differ by rounding. What only adds is left as it is.
 *
 * @returns the rewritten roots, in order
 */
export function foldScales(roots: readonly Tensor[]): Tensor[] {
  return foldBehind(foldBefore(roots));
}

/** Folds what follows an op that is linear in a settled weight. */
function foldBehind(roots: readonly Tensor[]): Tensor[] {
  const chains = new Chains(roots);
  return rewritten(roots, (node, replaced) => {
    const chain = chains.wholeAt(node);
    if (!chain || typeof chain.affine.scale === 'number' || !isFoldable(chain.base, chains)) return undefined;
    const { scale, shift } = chain.affine;
    const base = replaced(chain.base);
    const weight = base.op.laws?.scaledWeight?.(base, scale) as Tensor;
    const linear = inShapeOf(node, over(base, base.input(0), weight));
    return shift === 0 ? linear : add(linear, shift);
  });
}

/** Folds what precedes such an op, unless it can be folded into another one before. */
function foldBefore(roots: readonly Tensor[]): Tensor[] {
  const chains = new Chains(roots);
  return rewritten(roots, (node, replaced) => {
    const { absorb } = node.op.laws ?? {};
    const [x, weight] = node.inputs;
    if (!absorb || !x || !weight || !chains.isSettled(weight) || !chains.isReadOnce(x)) return undefined;
    const chain = chains.endingAt(x);
    if (!chain || typeof chain.affine.scale === 'number' || isFoldable(chain.base, chains)) return undefined;
    // An element-wise op before shares its pass with the chain.
    if (chain.base.op.kernel.family === 'map') return undefined;
    const { scale, shift } = chain.affine;
    const absorbed = absorb(node, scale, shift === 0 ? undefined : vectorOf(shift, scale));
    if (!absorbed) return undefined;
    const linear = over(node, inShapeOf(x, replaced(chain.base)), absorbed.weight);
    return absorbed.shift ? add(linear, absorbed.shift) : linear;
  });
}

/** True if what follows a node can be folded into it. */
function isFoldable(node: Tensor, chains: Chains): boolean {
  const [, weight] = node.inputs;
  return (
    node.op.laws?.scaledWeight !== undefined &&
    weight !== undefined &&
    chains.isSettled(weight) &&
    chains.isReadOnce(node)
  );
}

function over({ op, attributes }: Tensor, x: Tensor, weight: Tensor): Tensor {
  return new Tensor(op, [x, weight], attributes);
}

function inShapeOf({ shape }: Tensor, node: Tensor): Tensor {
  return sameShape(node.shape, shape) ? node : reshape(node, shape);
}

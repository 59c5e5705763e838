import { at } from '../../graph/at.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { add, addOp } from '../../ops/primitives/elementwise.js';
import {
  concat,
  concatOp,
  type ScatterSliceAttributes,
  scatterSliceOp,
} from '../../ops/primitives/movement.js';

type FramedSlice = Tensor<ScatterSliceAttributes>;

/**
 * Rewrites a sum of zero-padded slices, some of which are adjacent, to fewer slices with less padding, or none: the
 * gradients of the parts of a split tensor are concatenated instead of added up with zeros. Either operand may itself
 * be such a sum, of slices that are not adjacent.
 *
 * @returns null if the operands are anything else or nothing can be joined
 */
export function joinSlices(a: Tensor, b: Tensor): Tensor | null {
  const parts = framedSlicesOf([a, b]);
  if (!parts) return null;
  const axis = axisOf(parts);
  if (axis === null) return null;
  const from = (part: FramedSlice) => at(part.attributes.start, axis);
  const to = (part: FramedSlice) => at(part.attributes.end, axis);
  const joined: FramedSlice[] = [];
  for (const part of parts.sort((p, q) => from(p) - from(q))) {
    const before = joined.at(-1);
    if (before && from(part) < to(before)) return null;
    const meets = before && from(part) === to(before);
    if (meets) joined.splice(-1, 1, join(before, part, axis));
    else joined.push(part);
  }
  if (joined.length === parts.length) return null;
  return joined.map(withoutFrame).reduce((sum, part) => add(sum, part));
}

/** The only axis on which the parts have different ranges, or null. */
function axisOf([first, ...rest]: readonly FramedSlice[]): number | null {
  if (!first) return null;
  const { start, end } = first.attributes;
  const axes = first.shape
    .map((_, axis) => axis)
    .filter((axis) =>
      rest.some(
        ({ attributes }) => attributes.start[axis] !== start[axis] || attributes.end[axis] !== end[axis],
      ),
    );
  return axes.length === 1 ? at(axes, 0) : null;
}

function join(a: FramedSlice, b: FramedSlice, axis: number): FramedSlice {
  const end = a.attributes.end.map((to, i) => (i === axis ? at(b.attributes.end, axis) : to));
  const inner = concat([...piecesOf(a.input(0), axis), ...piecesOf(b.input(0), axis)], axis);
  return new Tensor(scatterSliceOp, [inner], { ...a.attributes, end });
}

function withoutFrame(part: FramedSlice): Tensor {
  const inner = part.input(0);
  return sameShape(inner.shape, part.shape) ? inner : part;
}

/** The tensors that an earlier join concatenated, or the tensor itself. */
function piecesOf(x: Tensor, axis: number): readonly Tensor[] {
  const joined = x.op === concatOp && (x.attributes as { axis: number }).axis === axis;
  return joined ? x.inputs : [x];
}

/** The slices that sums consist of; null if a term is not one, or occurs twice and so overlaps itself. */
function framedSlicesOf(sums: readonly Tensor[]): FramedSlice[] | null {
  const parts: FramedSlice[] = [];
  const seen = new Set<Tensor>();
  const stack = [...sums].reverse();
  for (let term = stack.pop(); term; term = stack.pop()) {
    if (seen.has(term)) return null;
    seen.add(term);
    if (term.op === addOp) stack.push(...[...term.inputs].reverse());
    else if (isFramedSlice(term)) parts.push(term);
    else return null;
  }
  return parts;
}

function isFramedSlice(node: Tensor): node is FramedSlice {
  if (node.op !== scatterSliceOp) return false;
  const { step, end, start } = node.attributes as ScatterSliceAttributes;
  // With a step above 1, the end of a range may lie beyond its last element.
  return step.every((by) => by === 1) && end.every((to, axis) => to > at(start, axis));
}

import { concat, type ScatterSliceAttributes, scatterSliceOp } from '../graph/ops/movement.js';
import { sameShape } from '../graph/shapes.js';
import { Tensor } from '../graph/tensor.js';

/**
 * The sum of two parts in frames of zeros that lie beside each other, as one part in a smaller frame, or in none: the
 * gradients of the parts of a split tensor are put behind one another instead of added up with zeros.
 *
 * @returns null where the operands are anything else
 */
export function joinSlices(a: Tensor, b: Tensor): Tensor | null {
  if (!isPart(a) || !isPart(b) || !sameShape(a.shape, b.shape)) return null;
  const [first, second] = [a.attributes, b.attributes];
  const differs = a.shape.map(
    (_, axis) => first.start[axis] !== second.start[axis] || first.end[axis] !== second.end[axis],
  );
  const axis = differs.indexOf(true);
  if (axis < 0 || differs.lastIndexOf(true) !== axis) return null;
  if (first.end[axis] === second.start[axis]) return join(a, b, axis);
  return second.end[axis] === first.start[axis] ? join(b, a, axis) : null;
}

function join(a: Tensor<ScatterSliceAttributes>, b: Tensor<ScatterSliceAttributes>, axis: number): Tensor {
  const { start, step } = a.attributes;
  const end = a.attributes.end.map((at, i) => (i === axis ? (b.attributes.end[axis] as number) : at));
  const inner = concat([...piecesOf(a.input(0), axis), ...piecesOf(b.input(0), axis)], axis);
  if (sameShape(inner.shape, a.shape)) return inner;
  return new Tensor(scatterSliceOp, [inner], { shape: a.shape, start, end, step });
}

/** What a part was joined of before. */
function piecesOf(x: Tensor, axis: number): readonly Tensor[] {
  const joined = x.op.kind === 'concat' && (x.attributes as { axis: number }).axis === axis;
  return joined ? x.inputs : [x];
}

function isPart(node: Tensor): node is Tensor<ScatterSliceAttributes> {
  if (node.op !== scatterSliceOp) return false;
  const { step, end, start } = node.attributes as ScatterSliceAttributes;
  // A range's end may lie behind its last element where steps are wider.
  return step.every((by) => by === 1) && end.every((to, axis) => to > (start[axis] as number));
}

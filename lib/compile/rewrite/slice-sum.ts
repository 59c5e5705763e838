import { at } from '../../graph/at.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { add } from '../../ops/primitives/elementwise.js';
import {
  concat,
  concatOp,
  type ScatterSliceAttributes,
  type SliceAttributes,
  scatterSliceOp,
  sliceOp,
} from '../../ops/primitives/movement.js';
import { SortedList } from '../plan/sorted-list.js';

/** A slice in a frame of zeros. */
export type FramedSlice = Tensor<ScatterSliceAttributes>;

/** Slices that are adjacent, in order: one, or two runs behind one another. */
type Run = { readonly first: FramedSlice; readonly last: FramedSlice } & (
  | { readonly parts: undefined }
  | { readonly parts: readonly [Run, Run] }
);

/** Most pieces of a concatenation that are taken over into another one. */
const MOST_PIECES = 64;

/**
 * The slices that a sum consists of, which have different ranges on one axis alone and do not overlap. Adjacent ones
 * form runs. Adding a slice takes time that grows with the logarithm of their number.
 */
export class SliceSum {
  #slices = 1;
  /** Unknown while there is only one slice. */
  #axis = 0;
  #runs: SortedList<Run>;

  constructor(private readonly like: FramedSlice) {
    this.#runs = this.#along(0);
    this.#runs.insert({ first: like, last: like, parts: undefined });
  }

  /** True if some of the slices are adjacent. */
  get joins(): boolean {
    return this.#runs.size < this.#slices;
  }

  /**
   * The slices of both sums, in the larger of the two objects, which the other one must not be used after; null, and
   * both as they were, if there is no such sum.
   */
  with(other: SliceSum): SliceSum | null {
    const [large, small] = this.#runs.size < other.#runs.size ? [other, this] : [this, other];
    const axis = large.#axisWith(small);
    if (axis === null) return null;
    const runs = [...small.#runs];
    const [into, from] = [large.#axis === axis ? large.#runs : large.#along(axis, large.#runs), range(axis)];
    const isFree = (run: Run) => {
      const [low, high] = from(run);
      const [below, above] = [into.floor(low), into.ceiling(low)];
      return (!below || from(below)[1] <= low) && (!above || high <= from(above)[0]);
    };
    if (!runs.every(isFree)) return null;
    large.#axis = axis;
    large.#runs = into;
    large.#slices += small.#slices;
    for (const run of runs) large.#insert(run);
    return large;
  }

  /** The sum, with the slices of each run concatenated in one frame, or in none where they fill it. */
  build(): Tensor {
    return [...this.#runs].map((run) => joined(run, this.#axis)).reduce((sum, part) => add(sum, part));
  }

  #along(axis: number, runs: Iterable<Run> = []): SortedList<Run> {
    const list = new SortedList<Run>(({ first }) => at(first.attributes.start, axis));
    for (const run of runs) list.insert(run);
    return list;
  }

  #insert(run: Run): void {
    const from = range(this.#axis);
    const [low, high] = from(run);
    const [below, above] = [this.#runs.floor(low), this.#runs.ceiling(low)];
    let whole = run;
    if (below && from(below)[1] === low) {
      this.#runs.delete(from(below)[0]);
      whole = behind(below, whole);
    }
    if (above && from(above)[0] === high) {
      this.#runs.delete(high);
      whole = behind(whole, above);
    }
    this.#runs.insert(whole);
  }

  /** The only axis on which slices of the two sums have different ranges, or null. */
  #axisWith(other: SliceSum): number | null {
    const [a, b] = [this.like.attributes, other.like.attributes];
    const known = this.#slices > 1 ? this.#axis : other.#slices > 1 ? other.#axis : undefined;
    if (this.#slices > 1 && other.#slices > 1 && this.#axis !== other.#axis) return null;
    const apart = this.like.shape.flatMap((_, axis) =>
      axis === known || a.start[axis] !== b.start[axis] || a.end[axis] !== b.end[axis] ? [axis] : [],
    );
    return apart.length === 1 ? at(apart, 0) : null;
  }
}

/** The start and the end of a run on an axis. */
function range(axis: number): (run: Run) => readonly [low: number, high: number] {
  return ({ first, last }) => [at(first.attributes.start, axis), at(last.attributes.end, axis)];
}

function behind(a: Run, b: Run): Run {
  return { first: a.first, last: b.last, parts: [a, b] };
}

function joined(run: Run, axis: number): Tensor {
  const { first, last } = run;
  if (!run.parts) return withoutFrame(first);
  const pieces: Tensor[] = [];
  const stack: Run[] = [run];
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.parts) stack.push(top.parts[1], top.parts[0]);
    else pieces.push(...piecesOf(top.first.input(0), axis));
  }
  const { start, end, ...rest } = first.attributes;
  const attributes = { ...rest, start, end: end.with(axis, at(last.attributes.end, axis)) };
  const inner = cutFrom(pieces, axis) ?? concat(pieces, axis);
  return withoutFrame(new Tensor(scatterSliceOp, [inner], attributes));
}

/** The tensor that the pieces are slices of, if they are all of it in order; null otherwise. */
function cutFrom(pieces: readonly Tensor[], axis: number): Tensor | null {
  const whole = at(pieces, 0).inputs[0];
  let from = 0;
  for (const piece of pieces) {
    if (!whole || piece.op !== sliceOp || piece.input(0) !== whole) return null;
    const { start, end, step } = piece.attributes as SliceAttributes;
    const fits = piece.shape.every((length, i) => i === axis || length === whole.shape[i]);
    if (!fits || at(start, axis) !== from || at(step, axis) !== 1) return null;
    from = at(end, axis);
  }
  return whole && from === whole.shape[axis] ? whole : null;
}

function withoutFrame(part: FramedSlice): Tensor {
  const inner = part.input(0);
  return sameShape(inner.shape, part.shape) ? inner : part;
}

/** The tensors that an earlier join concatenated, or the tensor itself. */
function piecesOf(x: Tensor, axis: number): readonly Tensor[] {
  const isJoined = x.op === concatOp && (x.attributes as { axis: number }).axis === axis;
  return isJoined && x.inputs.length <= MOST_PIECES ? x.inputs : [x];
}

/** True for slices without gaps that are not empty. */
export function isFramedSlice(node: Tensor): node is FramedSlice {
  if (node.op !== scatterSliceOp) return false;
  const { step, end, start } = node.attributes as ScatterSliceAttributes;
  // With a step above 1, the end of a range may lie beyond its last element.
  return step.every((by) => by === 1) && end.every((to, axis) => to > at(start, axis));
}

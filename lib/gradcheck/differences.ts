import { gradientsOrZeros } from '../autodiff/vjp.js';
import { at } from '../graph/at.js';
import { allocate, type TypedArray } from '../graph/dtype.js';
import { constant } from '../graph/leaf.js';
import type { Tensor } from '../graph/tensor.js';
import { sum } from '../ops/primitives/broadcast.js';
import { add, mul } from '../ops/primitives/elementwise.js';
import { GraphRun } from '../runtime/graph-run.js';
import { isChecked, type Leaf, type Subject } from './subject.js';

export interface Tolerance {
  /** Largest difference allowed, relative to the numeric derivative. */
  readonly relative: number;
  /** Absolute difference allowed in addition. */
  readonly absolute: number;
  /** Number of entries of each input to check, spread evenly. */
  readonly entries: number;
}

/** The derivative for one entry of one input, by the gradient rules and by finite differences. */
export interface Comparison {
  /** `input 0`, or a parameter's path. */
  readonly input: string;
  readonly entry: readonly number[];
  readonly analytic: number;
  readonly numeric: number;
  /** The difference, relative to the numeric derivative, or to `absolute / relative` where that is larger. */
  readonly error: number;
}

/** Step sizes, tried in turn until one agrees: a kink within reach of one may be out of reach of the next. */
const STEPS = [2 ** -10, 2 ** -14, 2 ** -18, 2 ** -22];

/** The sum of all outputs, each element multiplied by its own weight, so that no derivative cancels another. */
export function project(outputs: readonly Tensor[]): Tensor {
  return outputs.map((output) => sum(mul(output, weightsLike(output)))).reduce((a, b) => add(a, b));
}

function weightsLike({ shape, dtype, size }: Tensor): Tensor {
  const data = allocate(dtype, size);
  // Multiples of the golden ratio are spread evenly and never repeat.
  for (let i = 0; i < size; i++) data[i] = (i % 2 ? -1 : 1) * (0.5 + ((i * 0.6180339887498949) % 1));
  return constant(data, shape, dtype);
}

/** The gradients of a subject's projection with respect to the leaves that are checked. */
export function gradientsOf({ leaves, outputs }: Subject): Tensor[] {
  const checked = leaves.filter(isChecked).map(({ node }) => node);
  return gradientsOrZeros(outputs, outputs.map(weightsLike), checked);
}

/** Compares the gradients of a subject's projection with five-point central differences, worst entry first. */
export async function compareGradients(subject: Subject, tolerance: Tolerance): Promise<Comparison[]> {
  const { leaves, outputs } = subject;
  const nodes = leaves.map(({ node }) => node);
  const values = leaves.map((leaf) => leaf.values.slice() as TypedArray);
  const gradients = new GraphRun(nodes, gradientsOf(subject));
  const scalar = new GraphRun(nodes, [project(outputs)]);
  const valueAt = async () => at(at(await scalar.run(values), 0), 0);
  try {
    const analytic = (await gradients.run(values)).values();
    const found: Comparison[] = [];
    for (const [i, leaf] of leaves.entries()) {
      if (!isChecked(leaf)) continue;
      const slopes = analytic.next().value as TypedArray;
      for (const place of chosenEntries(slopes.length, tolerance.entries)) {
        const slope = at(slopes, place);
        found.push(await compareEntry(leaf, at(values, i), place, slope, valueAt, tolerance));
      }
    }
    return found.sort((a, b) => b.error - a.error);
  } finally {
    gradients.release();
    scalar.release();
  }
}

/** Up to `most` evenly spaced integers from 0 to `size - 1`. */
function chosenEntries(size: number, most: number): number[] {
  const count = Math.min(size, most);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
}

async function compareEntry(
  { label, node }: Leaf,
  values: TypedArray,
  place: number,
  analytic: number,
  valueAt: () => Promise<number>,
  { relative, absolute }: Tolerance,
): Promise<Comparison> {
  const x = at(values, place);
  const shifted = async (by: number) => {
    values[place] = x + by;
    const value = await valueAt();
    values[place] = x;
    return value;
  };
  let [best, error] = [Number.NaN, Number.POSITIVE_INFINITY];
  for (const step of STEPS) {
    const h = step * 2 ** Math.max(0, Math.ceil(Math.log2(Math.abs(x))));
    const near = (await shifted(h)) - (await shifted(-h));
    const far = (await shifted(2 * h)) - (await shifted(-2 * h));
    const numeric = (8 * near - far) / (12 * h);
    const distance = Math.abs(analytic - numeric) / (Math.abs(numeric) + absolute / relative);
    if (Number.isNaN(best) || distance < error) {
      best = numeric;
      error = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    }
    if (error <= relative) break;
  }
  return { input: label, entry: indexOf(place, node.shape), analytic, numeric: best, error };
}

/** The index on each axis of the element at a row-major position. */
function indexOf(place: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = place; axis >= 0; axis--) {
    const dimension = at(shape, axis);
    index[axis] = rest % dimension;
    rest = Math.floor(rest / dimension);
  }
  return index;
}

import type * as cr from 'chainrule';
import { Tensor } from '#lib/graph/tensor.js';
import { attentionGradOp, attentionOp, attentionResultOp } from '#lib/ops/primitives/attention/attention.js';
import { reshape, sliceAxis } from '#lib/ops/primitives/movement.js';
import type { Fn } from '../check-op.js';
import { at, type Plain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

/** Lengths, heads and features: queries [T, heads, D], keys [S, heads, D] and values [S, heads, V]. */
interface Sizes {
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly features: number;
  readonly width: number;
  readonly causal?: boolean;
}

const sizes: readonly Sizes[] = [
  { queries: 3, keys: 4, heads: 2, features: 2, width: 3 },
  { queries: 4, keys: 3, heads: 1, features: 3, width: 3, causal: true },
  { queries: 3, keys: 3, heads: 2, features: 2, width: 2, causal: true },
  { queries: 1, keys: 2, heads: 1, features: 1, width: 1 },
];

const shapesOf = ({ queries, keys, heads, features, width }: Sizes): cr.Shape[] => [
  [queries, heads, features],
  [keys, heads, features],
  [keys, heads, width],
];
const resultShape = ({ queries, heads, width }: Sizes): cr.Shape => [queries, heads, width];
const attributesOf = ({ queries, keys, heads, causal = false }: Sizes) => ({
  scale: 0.5,
  causal,
  dropout: 0,
  randomKey: 0,
  drawn: [heads, queries, keys],
});

const range = (length: number) => Array.from({ length }, (_, i) => i);
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const dot = (size: number, term: (i: number) => number) => total(range(size).map(term));

/** The scores of a row that count, the largest, and the weights, whose sum is 1. */
function row({ keys, features, causal }: Sizes, q: Plain, k: Plain, t: number, h: number) {
  const score = (s: number) => 0.5 * dot(features, (d) => at(q, [t, h, d]) * at(k, [s, h, d]));
  const scores = range(causal ? Math.min(t + 1, keys) : keys).map(score);
  const top = Math.max(...scores);
  const sum = total(scores.map((x) => Math.exp(x - top)));
  return { top, share: 1 / sum, weights: scores.map((x) => Math.exp(x - top) / sum) };
}

function results(size: Sizes, q: Plain, k: Plain, v: Plain): number[] {
  return range(size.queries).flatMap((t) =>
    range(size.heads).flatMap((h) => {
      const { weights } = row(size, q, k, t, h);
      return range(size.width).map((i) => total(weights.map((weight, s) => weight * at(v, [s, h, i]))));
    }),
  );
}

/** The largest scores of the queries of each head, and the reciprocals of their sums. */
function statistics(size: Sizes, q: Plain, k: Plain): number[] {
  return range(size.heads).flatMap((h) => {
    const rows = range(size.queries).map((t) => row(size, q, k, t, h));
    return [...rows.map(({ top }) => top), ...rows.map(({ share }) => share)];
  });
}

/** The gradients of queries, keys and values in one row; those of one shape lie side by side. */
function gradients(size: Sizes, slope: Plain, q: Plain, k: Plain, v: Plain): number[] {
  const shapes = shapesOf(size);
  const sums = shapes.map((shape) => new Float64Array(shape.reduce((a, b) => a * b, 1)));
  const add = (side: number, [l = 0, h = 0, i = 0]: readonly number[], value: number) => {
    const [, heads = 0, last = 0] = shapes[side] as cr.Shape;
    const place = (l * heads + h) * last + i;
    (sums[side] as Float64Array)[place] = ((sums[side] as Float64Array)[place] as number) + value;
  };
  for (const t of range(size.queries)) {
    for (const h of range(size.heads)) {
      const { weights } = row(size, q, k, t, h);
      const slopes = weights.map((_, s) => dot(size.width, (i) => at(slope, [t, h, i]) * at(v, [s, h, i])));
      const mean = total(weights.map((weight, s) => weight * (slopes[s] as number)));
      weights.forEach((weight, s) => {
        const own = 0.5 * weight * ((slopes[s] as number) - mean);
        for (const d of range(size.features)) {
          add(0, [t, h, d], own * at(k, [s, h, d]));
          add(1, [s, h, d], own * at(q, [t, h, d]));
        }
        for (const i of range(size.width)) add(2, [s, h, i], weight * at(slope, [t, h, i]));
      });
    }
  }
  return sideBySide(shapes, sums);
}

/** Position by position, as long as neighbours have one shape. */
function sideBySide(shapes: readonly cr.Shape[], sums: readonly Float64Array[]): number[] {
  const groups: number[][] = [];
  shapes.forEach((shape, i) => {
    const last = groups.at(-1);
    if (last && shapes[last[0] as number]?.join() === shape.join()) last.push(i);
    else groups.push([i]);
  });
  return groups.flatMap((group) => {
    const [length = 0, heads = 0, last = 0] = shapes[group[0] as number] as cr.Shape;
    const size = heads * last;
    return range(length).flatMap((l) =>
      group.flatMap((i) => [...(sums[i] as Float64Array).subarray(l * size, (l + 1) * size)]),
    );
  });
}

const attended = (size: Sizes, sides: readonly Tensor[]) =>
  new Tensor(attentionOp, sides, attributesOf(size));
const line = (data: readonly number[]): Plain => ({ shape: [data.length], data });

export const attentionCases: OpCases = {
  attention: sizes.map(
    (size): OpCase => ({
      fn: ((...sides: Tensor[]) => attended(size, sides)) as Fn,
      inputs: shapesOf(size),
      options: {
        gradient: false,
        reference: (q, k, v) =>
          line([
            ...results(size, q as Plain, k as Plain, v as Plain),
            ...statistics(size, q as Plain, k as Plain),
          ]),
      },
    }),
  ),
  attentionResult: sizes.map(
    (size): OpCase => ({
      fn: ((...sides: Tensor[]) => {
        const output = attended(size, sides);
        const shape = resultShape(size);
        const values = reshape(
          sliceAxis(
            output,
            0,
            0,
            shape.reduce((a, b) => a * b),
          ),
          shape,
        );
        return new Tensor(attentionResultOp, [values, output, ...sides], attributesOf(size));
      }) as Fn,
      inputs: shapesOf(size),
      options: {
        reference: (q, k, v) => ({
          shape: resultShape(size),
          data: results(size, q as Plain, k as Plain, v as Plain),
        }),
      },
    }),
  ),
  attentionGrad: sizes.map(
    (size): OpCase => ({
      fn: ((slope: Tensor, ...sides: Tensor[]) =>
        new Tensor(attentionGradOp, [slope, attended(size, sides), ...sides], attributesOf(size))) as Fn,
      inputs: [resultShape(size), ...shapesOf(size)],
      options: {
        reference: (slope, q, k, v) =>
          line(gradients(size, slope as Plain, q as Plain, k as Plain, v as Plain)),
      },
    }),
  ),
};

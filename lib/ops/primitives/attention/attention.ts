import { at } from '../../../graph/at.js';
import { isFloat } from '../../../graph/dtype.js';
import type { OpRecord } from '../../../graph/op.js';
import { type Shape, sameShape, sizeOf } from '../../../graph/shapes.js';
import { Tensor } from '../../../graph/tensor.js';
import { accumulateGradients } from '../backward.js';
import { mul } from '../elementwise.js';
import { identity } from '../identity.js';
import { reshape, sliceAxis, transpose } from '../movement.js';
import { type AttentionAttributes, attentionFormula } from './attention-formula.js';

// Attention as one kernel in each direction. Operands are [..., length, heads, features], as projections give them, and
// masks [..., heads, T, S], each dimension of which may be 1.

type Sides = readonly [query: Tensor, key: Tensor, value: Tensor];

/** The lengths T and S, and the features D and V. */
export interface AttentionSizes {
  readonly queries: number;
  readonly keys: number;
  readonly features: number;
  readonly width: number;
}

/** The sizes, and the number of rows of queries. */
function extents([query, key, value]: Sides): AttentionSizes & { readonly rows: number } {
  const [queries, , features] = query.shape.slice(-3) as [number, number, number];
  const [keys] = key.shape.slice(-3) as [number];
  const [width] = value.shape.slice(-1) as [number];
  const rows = sizeOf(query.shape.slice(0, -1));
  return { queries, features, rows, keys, width };
}

/** The number of pairs of a query and a key that it may attend to. */
function pairs(sides: Sides, causal: boolean): number {
  const { queries, keys, rows } = extents(sides);
  if (!causal) return rows * keys;
  const short = Math.min(queries, keys);
  const ofHead = (short * (short + 1)) / 2 + (queries - short) * keys;
  return queries === 0 ? 0 : (rows / queries) * ofHead;
}

const operands = (masks: readonly Tensor[]) => ['query', 'key', 'value', ...masks.map((_, i) => `mask${i}`)];

const draws = ({ attributes }: Tensor<AttentionAttributes>) => attributes.dropout > 0;

/** The results [..., T, heads, V] in one row, and behind them two statistics of each row of queries. */
export const attentionOp: OpRecord<AttentionAttributes> = {
  kind: 'attention',
  type: (inputs) => {
    const { rows, width } = extents(inputs as unknown as Sides);
    return { shape: [rows * (width + 2)], dtype: at(inputs, 0).dtype };
  },
  // Of the results alone, see below.
  grad: null,
  kernel: {
    family: 'call',
    call: ({ inputs, attributes }) => ({
      kernel: 'attention',
      inputs: operands(inputs.slice(3)),
      attributes: { ...attributes },
      strided: 'any',
    }),
  },
  draws,
  cost: ({ inputs, attributes }) => {
    const sides = inputs as unknown as Sides;
    const { features, width } = extents(sides);
    return pairs(sides, attributes.causal) * (2 * (features + width) + EXPONENTIAL);
  },
};

/** Operations of an exponential, and of what else is done to each score. */
const EXPONENTIAL = 14;

/** The results of `attentionOp`, as the node that gradients flow through: [results, kernel's output, sides, masks]. */
export const attentionResultOp: OpRecord<AttentionAttributes> = {
  kind: 'attentionResult',
  type: ([results]) => results as Tensor,
  grad: (gradient, node) => {
    const [, saved, query, key, value, ...masks] = node.inputs as [Tensor, Tensor, ...Sides, ...Tensor[]];
    const sides = [query, key, value] as const;
    const inputs = [gradient, saved, ...sides, ...masks];
    const all = new Tensor(attentionGradOp, inputs, node.attributes);
    return [null, null, ...partsOf(all, sides), ...gradientsOfMasks(gradient, sides, masks, node.attributes)];
  },
  kernel: { family: 'identity' },
  cost: () => 0,
};

/** The gradients with respect to queries, keys and values in one row; those of one shape lie side by side. */
export const attentionGradOp: OpRecord<AttentionAttributes> = {
  kind: 'attentionGrad',
  type: ([, , ...sides]) => ({
    shape: [sides.slice(0, 3).reduce((sum, side) => sum + side.size, 0)],
    dtype: at(sides, 0).dtype,
  }),
  grad: (gradient, node) => {
    const [outer, , query, key, value, ...masks] = node.inputs as [Tensor, Tensor, ...Sides, ...Tensor[]];
    const own = [outer, query, key, value, ...masks].map(identity);
    const [slope, q, k, v, ...shown] = own as [Tensor, ...Sides, ...Tensor[]];
    const result = formula([q, k, v], shown, node.attributes);
    const first = accumulateGradients([result], [slope], [q, k, v]) as Tensor[];
    const second = accumulateGradients(first, partsOf(gradient, [q, k, v]), own);
    const [ofSlope, ...rest] = second.map((x) => x ?? null);
    return [ofSlope as Tensor | null, null, ...rest];
  },
  kernel: {
    family: 'call',
    call: ({ inputs, attributes }) => ({
      kernel: 'attentionGrad',
      inputs: ['gradient', 'saved', ...operands(inputs.slice(5))],
      attributes: {
        ...attributes,
        places: placesOf(inputs.slice(2, 5) as unknown as Sides).flatMap(({ start, step }) => [start, step]),
      },
      strided: 'any',
    }),
  },
  draws,
  cost: ({ inputs, attributes }) => {
    const sides = inputs.slice(2) as unknown as Sides;
    const { features, width } = extents(sides);
    return pairs(sides, attributes.causal) * (6 * features + 4 * width + EXPONENTIAL);
  },
};

/** Where the gradient of an operand lies: its first element, and the distance of two positions. */
interface GradientPlace {
  readonly start: number;
  readonly step: number;
  /** The number of gradients that lie side by side, the start of the first, and the number of this one among them. */
  readonly count: number;
  readonly first: number;
  readonly index: number;
}

function placesOf(sides: Sides): GradientPlace[] {
  const groups: Tensor[][] = [];
  for (const side of sides) {
    const group = groups.at(-1);
    if (group && sameShape(at(group, 0).shape, side.shape)) group.push(side);
    else groups.push([side]);
  }
  let first = 0;
  return groups.flatMap((group) => {
    const from = first;
    const { size, shape } = at(group, 0);
    const row = sizeOf(shape.slice(-2));
    first += group.length * size;
    return group.map((_, index) => ({
      start: from + index * row,
      step: group.length * row,
      count: group.length,
      first: from,
      index,
    }));
  });
}

/** The gradients of the operands, as views of the row that holds them all. */
function partsOf(all: Tensor, sides: Sides): Tensor[] {
  return placesOf(sides).map(({ count, first, index }, i) => {
    const { shape, size } = at(sides, i);
    const group: Shape = [...shape.slice(0, -2), count, ...shape.slice(-2)];
    const joint = reshape(sliceAxis(all, 0, first, first + count * size), group);
    return reshape(sliceAxis(joint, shape.length - 2, index, index + 1), shape);
  });
}

function gradientsOfMasks(
  gradient: Tensor,
  sides: Sides,
  masks: readonly Tensor[],
  attributes: AttentionAttributes,
): (Tensor | null)[] {
  if (!masks.some((mask) => isFloat(mask.dtype))) return masks.map(() => null);
  const own = masks.map(identity);
  const result = formula(sides, own, attributes);
  return accumulateGradients([result], [gradient], own).map((x) => x ?? null);
}

/** `attentionFormula` for operands with the heads behind the lengths. */
function formula(sides: Sides, masks: readonly Tensor[], attributes: AttentionAttributes): Tensor {
  const turned = sides.map((side) => transpose(side, -3, -2)) as unknown as [Tensor, Tensor, Tensor];
  const { context, share } = attentionFormula(turned, masks, attributes);
  // Turned before the multiplication, so that it writes the heads side by side.
  return mul(transpose(context, -3, -2), transpose(share, -3, -2));
}

/** With fewer queries, the kernel's vectors are not full, and all weights take no more memory than the keys. */
const LEAST_QUERIES = 32;

/** True if the kernel takes operands of these sizes, and pays. */
export function paysAsKernel({ queries, ...others }: AttentionSizes): boolean {
  return queries >= LEAST_QUERIES && !Object.values(others).includes(0);
}

/**
 * Attention, by its kernel where that pays.
 *
 * @param sides queries [..., T, heads, D], keys [..., S, heads, D] and values [..., S, heads, V], with the same leading
 *   axes
 * @param masks bool, or floats to add; [..., heads, T, S], each dimension of which may be 1
 * @returns [..., T, heads, V]
 */
export function attentionOf(sides: Sides, masks: readonly Tensor[], attributes: AttentionAttributes): Tensor {
  const { rows, ...sizes } = extents(sides);
  if (!paysAsKernel(sizes)) return formula(sides, masks, attributes);
  const inputs = [...sides, ...masks];
  const output = new Tensor(attentionOp, inputs, attributes);
  const results = reshape(sliceAxis(output, 0, 0, rows * sizes.width), sides[0].shape.with(-1, sizes.width));
  return new Tensor(attentionResultOp, [results, output, ...inputs], attributes);
}

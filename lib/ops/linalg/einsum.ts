import { checked, rest } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../primitives/broadcast.js';
import { requireFloat } from '../primitives/checks.js';
import { mul } from '../primitives/elementwise.js';
import { matmul } from '../primitives/matmul.js';
import { permute, reshape } from '../primitives/movement.js';
import { diagonal } from './diagonal.js';
import { type Equation, parseEquation } from './einsum-equation.js';

/** A tensor and the label of each of its axes. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/**
 * Einstein summation, as `torch.einsum`: each letter names an axis, letters that the output lacks are summed over, and
 * a letter that occurs more than once in an operand takes its diagonal. `...` means any further axes, which broadcast.
 * Without `->` the output has the axes of `...` and then the letters that occur once, in alphabetical order.
 *
 * Operands are multiplied from left to right, as matrix products where a letter of two operands is summed.
 *
 * @example einsum('bqd,bkd->bqk', queries, keys)
 * @throws when the equation does not fit the operands, or an operand is not float32 or float64
 */
export const einsum = checked(
  'einsum',
  { equation: kinds.string, operands: rest(kinds.tensor) },
  (equation: string, ...operands: readonly Tensor[]): Tensor => {
    const [first] = operands;
    if (!first) throw invalid('einsum', 'at least one operand', operands);
    for (const operand of operands) {
      requireFloat('einsum', operand);
      const { dtype } = operand;
      if (dtype !== first.dtype) {
        throw invalid('einsum', `dtypes differ, ${first.dtype} and ${dtype}; cast one of them`);
      }
    }
    const parsed = parseEquation(
      equation,
      operands.map(({ ndim }) => ndim),
    );
    const sizes = labelSizes(parsed, operands);
    const [head, ...rest] = operands.map((x, i) =>
      withoutOnes(diagonals({ x, labels: at(parsed.inputs, i) }), sizes),
    ) as [Labelled, ...Labelled[]];
    const product = rest.reduce<Labelled>((left, right, i) => {
      const later = new Set([...parsed.output, ...rest.slice(i + 1).flatMap(({ labels }) => labels)]);
      return multiply(
        summed(left, [...later, ...right.labels]),
        summed(right, [...later, ...left.labels]),
        later,
      );
    }, head);
    return arranged(summed(product, parsed.output), parsed.output);
  },
);

/** The length of each label; axes of length 1 broadcast. */
function labelSizes({ inputs }: Equation, operands: readonly Tensor[]): Map<string, number> {
  const sizes = new Map<string, number>();
  inputs.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const size = at(at(operands, i).shape, axis);
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) {
        const name = label.length > 1 ? 'an axis of ...' : `'${label}'`;
        throw invalid('einsum', `${name} has lengths ${known} and ${size}`);
      }
      sizes.set(label, known === 1 ? size : known);
    });
  });
  return sizes;
}

/** Replaces axes that share a label by their diagonal. */
function diagonals({ x, labels }: Labelled): Labelled {
  const again = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  if (again < 0) return { x, labels };
  const label = at(labels, again);
  const pair = [labels.indexOf(label), again];
  const [a, b] = pair.map((axis) => x.shape[axis]);
  if (a !== b) {
    throw invalid('einsum', `'${label}' names axes of one length in an operand of ${formatShape(x.shape)}`);
  }
  const others = labels.map((_, axis) => axis).filter((axis) => !pair.includes(axis));
  const rest = others.map((axis) => at(labels, axis));
  return diagonals({ x: diagonal(permute(x, [...others, ...pair])), labels: [...rest, label] });
}

/** Drops axes of length 1 that are longer in another operand. */
function withoutOnes({ x, labels }: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  const kept = labels.map((label, axis) => x.shape[axis] === sizes.get(label));
  return {
    x: reshape(
      x,
      x.shape.filter((_, axis) => kept[axis]),
    ),
    labels: labels.filter((_, axis) => kept[axis]),
  };
}

/** Sums over the axes whose labels are not needed. */
function summed({ x, labels }: Labelled, needed: readonly string[]): Labelled {
  const gone = labels.map((_, axis) => axis).filter((axis) => !needed.includes(at(labels, axis)));
  return gone.length === 0
    ? { x, labels }
    : { x: sum(x, gone), labels: labels.filter((_, i) => !gone.includes(i)) };
}

/** The product of two operands, summed over the labels that both have and no later step needs. */
function multiply(left: Labelled, right: Labelled, later: ReadonlySet<string>): Labelled {
  const both = left.labels.filter((label) => right.labels.includes(label));
  const batch = both.filter((label) => later.has(label));
  const inner = both.filter((label) => !later.has(label));
  const rows = left.labels.filter((label) => !both.includes(label));
  const columns = right.labels.filter((label) => !both.includes(label));
  const labels = [...batch, ...rows, ...columns];
  if (inner.length === 0 || (rows.length === 0 && columns.length === 0)) {
    // Not a matrix product: the multiplication fuses with the sum.
    const all = [...labels, ...inner];
    return summed({ x: mul(aligned(left, all), aligned(right, all)), labels: all }, labels);
  }
  const a = arranged(left, [...batch, ...rows, ...inner]);
  const b = arranged(right, [...batch, ...columns, ...inner]);
  const lead = a.shape.slice(0, batch.length);
  const [m, k] = split(a, batch.length, rows.length);
  const [n] = split(b, batch.length, columns.length);
  const product = matmul(
    reshape(a, [...lead, sizeOf(m), sizeOf(k)]),
    reshape(b, [...lead, sizeOf(n), sizeOf(k)]),
    {
      transposeB: true,
    },
  );
  return { x: reshape(product, [...lead, ...m, ...n]), labels };
}

/** The shape after `lead` axes, split after `count` more. */
function split({ shape }: Tensor, lead: number, count: number): [readonly number[], readonly number[]] {
  return [shape.slice(lead, lead + count), shape.slice(lead + count)];
}

/** Permutes the axes into `order`, which names all of them. */
function arranged({ x, labels }: Labelled, order: readonly string[]): Tensor {
  return permute(
    x,
    order.map((label) => labels.indexOf(label)),
  );
}

/** Permutes the axes into `order`, with axes of length 1 for the labels that are missing. */
function aligned(operand: Labelled, order: readonly string[]): Tensor {
  const present = order.filter((label) => operand.labels.includes(label));
  const turned = arranged(operand, present);
  return reshape(
    turned,
    order.map((label) => (present.includes(label) ? at(turned.shape, present.indexOf(label)) : 1)),
  );
}

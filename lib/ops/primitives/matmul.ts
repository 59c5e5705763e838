import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import { formatShape, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { broadcastShapes, sizeOf } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { expand } from './broadcast.js';
import { requireFloat } from './checks.js';
import { mul } from './elementwise.js';
import { reshape } from './movement.js';
import { packed } from './packed.js';
import { joinRows } from './rows.js';

/** Operands that are read transposed (their last two axes swapped), without a copy. Default neither. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const matmulOptions = optionsOf<MatmulOptions>({ transposeA: kinds.boolean, transposeB: kinds.boolean });

export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function dimensions(a: Tensor, b: Tensor, { transposeA, transposeB }: MatmulAttributes) {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [inner, n] = b.shape.slice(-2) as [number, number];
  return {
    rows: transposeA ? k : m,
    innerA: transposeA ? m : k,
    innerB: transposeB ? n : inner,
    columns: transposeB ? inner : n,
  };
}

/** The product of matrices, or of batches of them whose leading axes agree. */
export const matmulOp: OpRecord<MatmulAttributes> = {
  kind: 'matmul',
  type: (inputs, attributes) => {
    const [a, b] = inputs as [Tensor, Tensor];
    const { rows, columns } = dimensions(a, b, attributes);
    return { shape: [...a.shape.slice(0, -2), rows, columns], dtype: a.dtype };
  },
  grad: (gradient, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const { transposeA, transposeB } = node.attributes;
    return [
      transposeA
        ? product(b, gradient, { transposeA: transposeB, transposeB: true })
        : product(gradient, b, { transposeA: false, transposeB: !transposeB }),
      transposeB
        ? product(gradient, a, { transposeA: true, transposeB: transposeA })
        : product(a, gradient, { transposeA: !transposeA, transposeB: false }),
    ];
  },
  kernel: {
    family: 'call',
    call: (node) => {
      const { transposeA, transposeB } = node.attributes;
      return {
        kernel: 'matmul',
        inputs: ['a', 'b'],
        attributes: { transposeA, transposeB },
        strided: 'matrices',
      };
    },
  },
  pack: (node, packing) => {
    const { transposeA, transposeB } = node.attributes;
    if (transposeA) throw new Error('pack: the first matrix is transposed');
    return packed(node, packing, {
      kernel: 'packMatmul',
      source: 'a',
      attributes: { transposeB },
      sizes: {},
    });
  },
  laws: {
    scaledWeight: (node, scale) => {
      const { transposeB } = node.attributes as MatmulAttributes;
      return mul(node.input(1), transposeB ? reshape(scale, [scale.size, 1]) : scale);
    },
    absorb: (node, scale, shift) => {
      const { transposeA, transposeB } = node.attributes as MatmulAttributes;
      const weight = node.input(1);
      if (transposeA || weight.ndim !== 2) return undefined;
      const along = (vector: Tensor) => (transposeB ? vector : reshape(vector, [vector.size, 1]));
      const row = shift && product(reshape(shift, [1, shift.size]), weight, { transposeA, transposeB });
      return {
        weight: mul(weight, along(scale)),
        shift: row && reshape(row, [row.size]),
      };
    },
    factors: (node) => {
      const { transposeA, transposeB } = node.attributes as MatmulAttributes;
      if (!transposeA || transposeB || node.ndim !== 2) return undefined;
      return { a: node.input(0), b: node.input(1) };
    },
  },
  shards: (node, { count, common, stacked }) => {
    const { transposeA } = node.attributes;
    const [a, weight] = [stacked(0), common(1)];
    if (!weight || transposeA || node.ndim !== 2) return product(a, stacked(1), node.attributes);
    // A row has the same bits whatever rows are multiplied with it.
    return reshape(product(joinRows(a), weight, node.attributes), [count, ...node.shape]);
  },
  cost: (node) => 2 * node.size * dimensions(node.input(0), node.input(1), node.attributes).innerA,
};

function product(a: Tensor, b: Tensor, attributes: MatmulAttributes): Tensor {
  return new Tensor(matmulOp, [a, b], attributes);
}

/**
 * The matrix product, as `torch.matmul`: leading axes broadcast; a vector on the left is a row and on the right a
 * column, and its axis is dropped from the result.
 *
 * @throws when the inner dimensions differ, or the dtypes
 */
export const matmul = checked(
  'matmul',
  { a: kinds.tensor, b: kinds.tensor, options: optional(matmulOptions) },
  (a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor => {
    if (a.ndim === 0 || b.ndim === 0)
      throw invalid('matmul', 'operands must have at least one axis', [a.shape, b.shape]);
    if (a.dtype !== b.dtype)
      throw invalid('matmul', `dtypes differ, ${a.dtype} and ${b.dtype}; cast one of them`);
    requireFloat('matmul', a, 'needs float32 or float64');
    if ((a.ndim === 1 && transposeA) || (b.ndim === 1 && transposeB)) {
      throw invalid('matmul', 'a vector cannot be transposed', [a.shape, b.shape]);
    }
    if (a.ndim === 1) {
      const row = matmul(reshape(a, [1, a.size]), b, { transposeB });
      return reshape(row, b.ndim === 1 ? [] : [...row.shape.slice(0, -2), ...row.shape.slice(-1)]);
    }
    if (b.ndim === 1) {
      const column = matmul(a, reshape(b, [b.size, 1]), { transposeA });
      return reshape(column, column.shape.slice(0, -1));
    }
    const attributes = { transposeA, transposeB };
    const { innerA, innerB } = dimensions(a, b, attributes);
    if (innerA !== innerB) {
      const sides = `${formatShape(a.shape)}${transposeA ? ' transposed' : ''} x ${formatShape(b.shape)}`;
      throw invalid('matmul', `inner dimensions differ, ${sides}${transposeB ? ' transposed' : ''}`);
    }
    // With one matrix on the right, all rows of the batch form one large product.
    if (b.ndim === 2 && a.ndim > 2 && !transposeA) {
      const rows = product(reshape(a, [sizeOf(a.shape.slice(0, -1)), innerA]), b, attributes);
      return reshape(rows, [...a.shape.slice(0, -1), ...rows.shape.slice(1)]);
    }
    const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
    return product(
      expand(a, [...batch, ...a.shape.slice(-2)]),
      expand(b, [...batch, ...b.shape.slice(-2)]),
      attributes,
    );
  },
);

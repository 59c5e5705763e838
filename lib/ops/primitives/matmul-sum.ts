import type { OpRecord } from '../../graph/op.js';
import { Tensor } from '../../graph/tensor.js';

interface MatmulSumAttributes {
  readonly program: readonly number[];
  readonly perRow: number;
  /** True to add the products of the shards in the order of the program in any case. */
  readonly inOrder?: boolean;
}

/** See `matmulSum`. */
export const matmulSumOp: OpRecord<MatmulSumAttributes> = {
  kind: 'matmulSum',
  type: (inputs) => {
    const [a, b] = inputs as [Tensor, Tensor];
    return { shape: [...a.shape.slice(2), ...b.shape.slice(2)], dtype: a.dtype };
  },
  grad: null,
  kernel: {
    family: 'call',
    call: ({ attributes: { program, perRow, inOrder = false } }) => ({
      kernel: 'matmulSum',
      inputs: ['a', 'b', 'rows'],
      attributes: { program, perRow, inOrder },
      strided: 'rows',
    }),
  },
  cost: (node) => 2 * node.input(0).size * (node.shape[1] as number),
};

/**
 * The gradient of a weight from its factors in several shards: the sum over the shards s of `a[s]^T b[s]`, in the order of
 * a postfix program (see `addon.combine`). Shard s has `rows[s]` rows, a number that is only known when it runs, and its
 * factors hold `perRow` rows for each of them, from the first on. A shard without rows is left out. If all have as many
 * rows as there is room for, the rows are summed as those of one product, unless `inOrder` is set.
 *
 * @param a of shape [shards, k, m]
 * @param b of shape [shards, k, n]
 * @param rows of shape [shards], int32
 */
export function matmulSum(
  { a, b, rows }: { readonly a: Tensor; readonly b: Tensor; readonly rows: Tensor },
  attributes: MatmulSumAttributes,
): Tensor {
  return new Tensor(matmulSumOp, [a, b, rows], attributes);
}

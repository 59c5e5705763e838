import { formatShape, invalid } from '../../graph/errors.js';
import { hashKey, permutation } from '../../graph/random.js';
import { requireNormal } from './basic.js';
import { drawNormal } from './draw.js';
import type { Initialiser } from './initializer.js';
import { written } from './matrix.js';

/**
 * Normal around 0, with a share of the elements of every column of the matrix [out, in], rounded up, set to 0
 * (Martens 2010), as `torch.nn.init.sparse_`.
 *
 * @param sparsity share of zeros, from 0 to 1
 * @param deviation standard deviation of the other elements; default 0.01
 */
export function sparse(sparsity: number, deviation = 0.01): Initialiser {
  if (!(sparsity >= 0 && sparsity <= 1)) throw invalid('sparse', 'sparsity must be from 0 to 1', sparsity);
  requireNormal('sparse', 0, deviation);
  return (shape, context) => {
    const [rows, columns] = shape;
    if (rows === undefined || columns === undefined || shape.length > 2) {
      throw invalid('sparse', 'the shape must have two axes', formatShape(shape));
    }
    const zeros = Math.ceil(sparsity * rows);
    const order = hashKey(`sparse ${context.key}`, context.seed);
    return written(shape, context, (data) => {
      drawNormal(rows * columns, context).forEach((value, i) => {
        data[i] = deviation * value;
      });
      for (let column = 0; column < columns; column++) {
        for (const row of permutation(rows, order, column).subarray(0, zeros))
          data[row * columns + column] = 0;
      }
    });
  };
}

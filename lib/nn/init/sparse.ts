import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { hashKey, permutation } from '../../graph/random.js';
import { drawNormal } from './draw.js';
import type { Initialiser } from './initializer.js';
import { made, maker } from './made.js';
import { written } from './matrix.js';

/**
 * Normal around 0, with a share of the elements of every column of the matrix [out, in], rounded up, set to 0
 * (Martens 2010), as `torch.nn.init.sparse_`.
 *
 * @param sparsity share of zeros, from 0 to 1
 * @param deviation standard deviation of the other elements; default 0.01
 */
export const sparse = maker(
  'sparse',
  { sparsity: kinds.fraction, deviation: optional(kinds.nonNegative) },
  (sparsity: number, deviation = 0.01): Initialiser =>
    made('sparse', (shape, context) => {
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
    }),
);

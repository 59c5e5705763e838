import { checked } from '../../graph/arguments/checked.js';
import { optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { isFloat } from '../../graph/dtype.js';
import { ones } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { widened } from '../primitives/cumulative.js';
import { cast, mul } from '../primitives/elementwise.js';
import { alongAxis, pad, permute, sliceAxis } from '../primitives/movement.js';
import { scan } from './scan.js';

/**
 * Cumulative products along an axis (the last by default), as `torch.cumprod`: each is the one before it times an element,
 * so that behind a 0 all are 0. bool and uint8 multiply to int32.
 */
export const cumProd = checked(
  'cumProd',
  { x: kinds.tensor, axis: optional(kinds.axis) },
  (x: Tensor, axis = -1): Tensor =>
    alongAxis('cumProd', widened(x), axis, (line, along) => {
      if (at(line.shape, along) < 2) return line;
      return isFloat(line.dtype) ? inOrder(line, along) : byDoubling(line, along);
    }),
);

/**
 * One product after the other: in any other order, those of later elements alone may overflow. In float64, as in PyTorch, so
 * that products that leave the range of float32 may return to it.
 */
function inOrder(x: Tensor, along: number): Tensor {
  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== along);
  const shape = others.map((axis) => at(x.shape, axis));
  const { outputs } = scan(
    ([before], [element]) => {
      const product = mul(before as Tensor, element as Tensor);
      return { carry: [product], outputs: [product] };
    },
    { carry: [ones(shape, 'float64')], inputs: [permute(cast(x, 'float64'), [along, ...others])] },
  );
  const order = x.shape.map((_, axis) => (axis === along ? 0 : 1 + others.indexOf(axis)));
  return cast(permute(at(outputs, 0), order), x.dtype);
}

/** Each round doubles the number of factors in each product (Hillis & Steele 1986). Integers wrap, whatever the order. */
function byDoubling(x: Tensor, along: number): Tensor {
  const length = at(x.shape, along);
  let products = x;
  for (let step = 1; step < length; step *= 2) {
    const earlier = sliceAxis(products, along, 0, length - step);
    const shifted = pad(
      earlier,
      x.shape.map((_, i) => [i === along ? step : 0, 0]),
      1,
    );
    products = mul(products, shifted);
  }
  return products;
}

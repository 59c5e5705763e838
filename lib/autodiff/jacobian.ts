import { checked } from '../graph/arguments/checked.js';
import { at } from '../graph/at.js';
import { allocate } from '../graph/dtype.js';
import { constant, zeros } from '../graph/leaf.js';
import type { Shape } from '../graph/shapes.js';
import type { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { concat, reshape, slice } from '../ops/primitives/movement.js';
import { call, requireScalar, type TensorFunction, tensorFunction, tensorsAs } from './arguments.js';
import { scalarGradients } from './grad.js';
import { pushForward } from './jvp.js';
import { gradientsOrZeros } from './vjp.js';

/**
 * The Jacobians of a function: the derivatives of each element of its value with respect to each element of its
 * arguments. Takes one product per element of the value or per element of the arguments, whichever are fewer, so it is
 * meant for small ones.
 *
 * @param fn returns a float tensor of any shape
 * @param inputs the arguments, float tensors
 * @returns one for each argument, of shape `[...value.shape, ...argument.shape]`
 */
export const jacobian = checked(
  'jacobian',
  { fn: tensorFunction, inputs: tensorsAs('jacobian(fn, [x])') },
  <Inputs extends readonly Tensor[]>(fn: TensorFunction<Inputs>, inputs: Inputs): Tensor[] => {
    const { output, own } = call('jacobian', fn, inputs);
    requireFloat('jacobian', output, 'the value of fn must be float32 or float64');
    for (const x of own) requireFloat('jacobian', x, 'the arguments must be float32 or float64');
    return jacobianOf(output, own);
  },
);

/**
 * The second derivatives of a scalar function.
 *
 * @param fn returns a float tensor with one element
 * @param inputs the arguments, float tensors
 * @returns at `[i][j]` the derivative of the gradient of argument `i` with respect to argument `j`, of shape
 *   `[...inputs[i].shape, ...inputs[j].shape]`
 */
export const hessian = checked(
  'hessian',
  { fn: tensorFunction, inputs: tensorsAs('hessian(fn, [x])') },
  <Inputs extends readonly Tensor[]>(fn: TensorFunction<Inputs>, inputs: Inputs): Tensor[][] => {
    const { output, own } = call('hessian', fn, inputs);
    requireScalar('hessian', 'the value of fn', output);
    for (const x of own) requireFloat('hessian', x, 'the arguments must be float32 or float64');
    const gradients = scalarGradients(output, own);
    return gradients.map((gradient) => jacobianOf(gradient, own));
  },
);

function jacobianOf(output: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const columns = inputs.reduce((sum, x) => sum + x.size, 0);
  return output.size <= columns ? byRows(output, inputs) : byColumns(output, inputs);
}

/** Reverse mode: one product for each element of the output. */
function byRows(output: Tensor, inputs: readonly Tensor[]): Tensor[] {
  const rows = units(output).map((unit) => gradientsOrZeros([output], [unit], inputs));
  return inputs.map((x, i) => {
    const parts = rows.map((row) => reshape(at(row, i), [1, x.size]));
    return join(parts, 0, [...output.shape, ...x.shape], output);
  });
}

/** Forward mode: one product for each element of the inputs. */
function byColumns(output: Tensor, inputs: readonly Tensor[]): Tensor[] {
  return inputs.map((x) => {
    const parts = units(x).map((unit) => reshape(pushForward(output, [x], [unit]), [output.size, 1]));
    return join(parts, 1, [...output.shape, ...x.shape], output);
  });
}

function join(parts: readonly Tensor[], axis: number, shape: Shape, { dtype }: Tensor): Tensor {
  return parts.length > 0 ? reshape(concat(parts, axis), shape) : zeros(shape, dtype);
}

/** The unit tensors of the shape of `x`, which are 1 at one element and 0 elsewhere, in row-major order. */
function units({ shape, dtype, size }: Tensor): Tensor[] {
  const data = allocate(dtype, size * size);
  for (let i = 0; i < size; i++) data[i * (size + 1)] = 1;
  const all = constant(data, [size, ...shape], dtype);
  return Array.from({ length: size }, (_, i) => reshape(slice(all, [[i, i + 1]]), shape));
}

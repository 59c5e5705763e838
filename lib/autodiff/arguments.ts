import { formatShape, formatType, invalid } from '../graph/errors.js';
import { sameShape } from '../graph/shapes.js';
import { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { identity } from '../ops/primitives/identity.js';

/** A function from tensors to one tensor. */
export type TensorFunction<Inputs extends readonly Tensor[] = Tensor[]> = (...inputs: Inputs) => Tensor;

/** Checks that `given` holds one tensor for each of `like`, of its shape and dtype. */
export function requireLike(
  op: string,
  what: string,
  like: readonly Tensor[],
  given: readonly Tensor[],
): void {
  if (!Array.isArray(given) || given.length !== like.length) {
    throw invalid(op, `needs one ${what} for each of ${like.length}`, given?.length);
  }
  like.forEach(({ shape, dtype }, i) => {
    const x: unknown = given[i];
    const wanted = `${what} ${i} must be ${dtype}${formatShape(shape)}`;
    if (!(x instanceof Tensor)) throw invalid(op, wanted, x);
    if (x.dtype !== dtype || !sameShape(x.shape, shape)) {
      throw invalid(op, wanted, formatType(x));
    }
  });
}

/**
 * Calls a function with a separate node for each argument, so that derivatives are partial, even where an argument is
 * the same tensor as another or depends on it.
 */
export function call<Inputs extends readonly Tensor[]>(
  op: string,
  fn: TensorFunction<Inputs>,
  inputs: Inputs,
): { output: Tensor; own: Tensor[] } {
  if (typeof fn !== 'function') throw invalid(op, 'fn must be a function of tensors', fn);
  if (!Array.isArray(inputs)) throw invalid(op, 'the inputs must be a list of tensors', inputs);
  inputs.forEach((x: unknown, i) => {
    if (!(x instanceof Tensor)) throw invalid(op, `argument ${i} must be a tensor`, x);
  });
  const own = inputs.map((x: Tensor) => identity(x));
  const output: unknown = fn(...(own as unknown as Inputs));
  if (!(output instanceof Tensor)) throw invalid(op, 'fn must return a tensor', output);
  return { output, own };
}

/** Checks that a value is a scalar that can be differentiated: a float tensor with one element. */
export function requireScalar(op: string, what: string, x: Tensor): void {
  if (x.size !== 1) throw invalid(op, `${what} must have one element`, formatShape(x.shape));
  requireFloat(op, x, `${what} must be float32 or float64`);
}

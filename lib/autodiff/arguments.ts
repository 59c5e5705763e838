import type { Kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { at } from '../graph/at.js';
import { formatShape, formatType, invalid } from '../graph/errors.js';
import { sameShape } from '../graph/shapes.js';
import { Tensor } from '../graph/tensor.js';
import { requireFloat } from '../ops/primitives/checks.js';
import { identity } from '../ops/primitives/identity.js';

/** A function from tensors to one tensor. */
export type TensorFunction<Inputs extends readonly Tensor[] = Tensor[]> = (...inputs: Inputs) => Tensor;

/** A function from tensors to one tensor, as an argument. */
export const tensorFunction: Kind<TensorFunction<never>> = kinds.callback('a function of tensors');

/**
 * Tensors in an array. For a tensor alone the error shows the call.
 *
 * @param call such as `grad(loss, [x])`
 */
export function tensorsAs(call: string): Kind<readonly Tensor[]> {
  return {
    ...kinds.tensors,
    explain: (op, name, value) =>
      value instanceof Tensor
        ? invalid(op, `${name} must be ${kinds.tensors.description}: write ${call}`)
        : kinds.tensors.explain?.(op, name, value),
  };
}

/** Checks that `given` holds one tensor for each of `like`, of its shape and dtype. */
export function requireLike(
  op: string,
  what: string,
  like: readonly Tensor[],
  given: readonly Tensor[],
): void {
  if (given.length !== like.length) {
    throw invalid(op, `needs one ${what} for each of ${like.length}`, given.length);
  }
  like.forEach((wanted, i) => {
    const x = at(given, i);
    if (x.dtype === wanted.dtype && sameShape(x.shape, wanted.shape)) return;
    throw invalid(op, `${what} ${i} must be ${formatType(wanted)}`, formatType(x));
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

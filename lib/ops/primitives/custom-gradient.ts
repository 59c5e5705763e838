import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { isFloat } from '../../graph/dtype.js';
import { formatType, invalid } from '../../graph/errors.js';
import type { OpRecord } from '../../graph/op.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';

/**
 * The gradients of a scalar with respect to each argument of a function, given the gradient with respect to its value.
 * `null` for an argument that has none; a function of one argument may return its gradient alone.
 *
 * @param gradient of the shape and dtype of `output`
 * @param inputs the arguments
 * @param output the function's value
 */
export type CustomGradientRule = (
  gradient: Tensor,
  inputs: readonly Tensor[],
  output: Tensor,
) => Tensor | readonly (Tensor | null)[];

export interface CustomGradientAttributes {
  readonly name: string;
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly rule: CustomGradientRule;
}

/** A function's value, with the arguments as further inputs. These get gradients by the user's rule. */
export const customGradientOp: OpRecord<CustomGradientAttributes> = {
  kind: 'customGradient',
  type: ([value]) => value as Tensor,
  grad: (gradient, node) => [null, ...applyRule(gradient, node)],
  kernel: { family: 'identity' },
  cost: () => 0,
};

/**
 * The function `fn` with a custom gradient rule instead of those of its ops: a straight-through estimator (Bengio et
 * al. 2013), a clipped or reversed gradient, a more stable formula.
 *
 * Gradients flow to the arguments alone; other tensors that `fn` uses are treated as constants. The rule builds graph
 * nodes from `inputs` and `output`, so its own gradient gives second-order gradients. It must be linear in `gradient`
 * for `jvp` to be meaningful.
 *
 *     const sign = customGradient((x) => x.sign(), (gradient) => gradient);
 *
 * @param fn returns one tensor; its name is used in messages
 * @param rule see `CustomGradientRule`
 * @throws when a gradient is taken, if the rule does not return one gradient for each argument, of its shape and dtype
 */
export const customGradient = checked(
  'customGradient',
  { fn: kinds.callback('a function of tensors'), rule: kinds.callback() },
  <Inputs extends readonly Tensor[]>(
    fn: (...inputs: Inputs) => Tensor,
    rule: CustomGradientRule,
  ): ((...inputs: Inputs) => Tensor) => {
    const name = fn.name ? `customGradient of ${fn.name}` : 'customGradient';
    const attributes = { name, fn: fn as unknown as CustomGradientAttributes['fn'], rule };
    return (...inputs) => applyCustom(attributes, inputs);
  },
);

/** The node for the given arguments, with the value of `fn` traced again. */
export function applyCustom(attributes: CustomGradientAttributes, inputs: readonly Tensor[]): Tensor {
  const { name, fn } = attributes;
  inputs.forEach((input, i) => {
    if (!(input instanceof Tensor)) throw invalid(name, `argument ${i} must be a tensor`, input);
  });
  const value = fn(...inputs);
  if (!(value instanceof Tensor)) throw invalid(name, 'the function must return a tensor', value);
  return new Tensor(customGradientOp, [value, ...inputs], attributes);
}

function applyRule(gradient: Tensor, node: Tensor<CustomGradientAttributes>): readonly (Tensor | null)[] {
  const { name, rule } = node.attributes;
  const inputs = node.inputs.slice(1);
  const given = rule(gradient, inputs, node);
  const gradients = given instanceof Tensor ? [given] : given;
  if (!Array.isArray(gradients) || gradients.length !== inputs.length) {
    throw invalid(name, `the rule must give ${inputs.length} gradients, one for each argument`, given);
  }
  return inputs.map((input, i) => requireGradient(name, i, input, gradients[i]));
}

function requireGradient(name: string, index: number, input: Tensor, gradient: unknown): Tensor | null {
  if (gradient === null || gradient === undefined) return null;
  const wanted = `gradient ${index} of the rule must be ${formatType(input)}`;
  if (!isFloat(input.dtype)) {
    throw invalid(name, `gradient ${index} of the rule must be null, for its argument is ${input.dtype}`);
  }
  if (!(gradient instanceof Tensor)) throw invalid(name, `${wanted} or null`, gradient);
  if (!sameShape(gradient.shape, input.shape) || gradient.dtype !== input.dtype) {
    throw invalid(name, wanted, formatType(gradient));
  }
  return gradient;
}

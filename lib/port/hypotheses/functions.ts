import type { Tensor } from '../../graph/tensor.js';
import { celu, elu, hardSigmoid, hardSwish, hardTanh, relu6, selu } from '../../ops/nn/rectifiers.js';
import { gelu, logSigmoid, mish, silu, softplus, softsign } from '../../ops/nn/smooth-activations.js';
import { logSoftmax, softmax } from '../../ops/nn/softmax.js';
import { leakyRelu, mul, relu, sigmoid, tanh } from '../../ops/primitives/elementwise.js';

/** An activation by the name that a reason gives it. */
export interface NamedFunction {
  readonly name: string;
  readonly fn: (x: Tensor) => Tensor;
}

const SLOPES = [0.01, 0.2, 0.1, 0.25, 0.3, 0.05];

/** The activations that a model may have, common ones first. */
export const activations: readonly NamedFunction[] = [
  { name: 'ReLU', fn: relu },
  { name: 'GELU', fn: (x) => gelu(x) },
  { name: "GELU with approximate: 'tanh'", fn: (x) => gelu(x, { approximate: 'tanh' }) },
  { name: 'SiLU', fn: silu },
  { name: 'tanh', fn: tanh },
  { name: 'sigmoid', fn: sigmoid },
  ...SLOPES.map((slope) => ({
    name: `leaky ReLU of slope ${slope}`,
    fn: (x: Tensor) => leakyRelu(x, slope),
  })),
  { name: 'ReLU6', fn: relu6 },
  { name: 'ELU', fn: (x) => elu(x) },
  { name: 'SELU', fn: selu },
  { name: 'CELU', fn: (x) => celu(x) },
  { name: 'hard swish', fn: hardSwish },
  { name: 'hard sigmoid', fn: hardSigmoid },
  { name: 'hard tanh', fn: (x) => hardTanh(x) },
  { name: 'softplus', fn: (x) => softplus(x) },
  { name: 'mish', fn: mish },
  { name: 'softsign', fn: softsign },
  { name: 'log sigmoid', fn: logSigmoid },
  { name: 'x sigmoid(1.702 x), the quick GELU', fn: (x) => mul(x, sigmoid(mul(x, 1.702))) },
];

/** Softmax and its logarithm on each axis, the last one first. */
export function distributions({ ndim }: Tensor): NamedFunction[] {
  return Array.from({ length: ndim }, (_, i) => ndim - 1 - i).flatMap((axis) => [
    { name: `softmax on axis ${axis}`, fn: (x: Tensor) => softmax(x, axis) },
    { name: `log-softmax on axis ${axis}`, fn: (x: Tensor) => logSoftmax(x, axis) },
  ]);
}

import {
  checkpoint,
  checkpointSequential,
  customGradient,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  ones,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
} from 'chainrule';
import { describe, it } from 'vitest';
import { type BadCall, expectBadCall } from '../helpers/errors.js';

const x = ones([2, 3]);
const double = ones([2, 3], 'float64');
const whole = tensor(Int32Array.of(1, 2));
const total = (y: Tensor) => y.sum();
const same = (y: Tensor) => y;
const bad = (value: unknown) => value as never;
const twice = customGradient(
  (a, b) => a.mul(b),
  (gradient) => [gradient],
);

const row = ones([3]);
const pick = customGradient(
  (index, y) => y.gather(index),
  (gradient) => [gradient, null],
);

function scale(y: Tensor): Tensor {
  return y.mul(2);
}

const withRule = (rule: (gradient: Tensor) => unknown) => () =>
  grad(customGradient(scale, bad(rule))(x).sum(), [x]);

const calls: readonly BadCall[] = [
  [
    'a checkpoint of no function',
    () => checkpoint(bad(2)),
    'checkpoint: fn must be a function of tensors, got 2',
  ],
  [
    'a checkpoint of a number',
    () => checkpoint(same)(bad(2)),
    'checkpoint: argument 0 must be a tensor, got 2',
  ],
  [
    'a checkpoint that gives a number',
    () => checkpoint(bad(() => 2))(),
    'checkpoint: the function must return tensors, alone or in arrays and objects, got 2',
  ],
  [
    'a chain of nothing',
    () => checkpointSequential([], 1),
    'checkpointSequential: layers must be an array of layers, or a Sequential, got []',
  ],
  [
    'a chain of numbers',
    () => checkpointSequential([same, bad(2)], 1),
    'checkpointSequential: layer 1 must be a module or a function, got 2',
  ],
  [
    'more stretches than layers',
    () => checkpointSequential([same, same], 3),
    'checkpointSequential: segments must be an integer from 1 to 2, got 3',
  ],
  ['a loss with axes', () => grad(x, [x]), 'grad: the loss must have one element, got [2,3]'],
  ['an integer loss', () => grad(whole.sum(), [x]), 'grad: the loss must be float32 or float64, got int32'],
  ['an integer', () => grad(x.sum(), [whole]), 'grad: gradients are taken of float32 or float64, got int32'],
  ['no cotangent', () => vjp([x], [], [x]), 'vjp: needs one cotangent for each of 1, got 0'],
  [
    'another shape',
    () => vjp([x], [ones([3])], [x]),
    'vjp: cotangent 0 must be float32[2,3], got float32[3]',
  ],
  ['another dtype', () => vjp([x], [double], [x]), 'vjp: cotangent 0 must be float32[2,3], got float64[2,3]'],
  ['a number', () => vjp([x], bad([1]), [x]), 'vjp: cotangents must be an array of tensors, got [1]'],
  ['integer outputs', () => vjp([whole], [whole], [x]), 'vjp: outputs must be float32 or float64, got int32'],
  [
    'vjp by an integer',
    () => vjp([x], [x], [whole]),
    'vjp: gradients are taken of float32 or float64, got int32',
  ],
  [
    'a value with axes',
    () => valueAndGrad(same)(x),
    'valueAndGrad: the value of fn must have one element, got [2,3]',
  ],
  [
    'an integer argument',
    () => valueAndGrad((a: Tensor, b: Tensor) => a.sum().mul(b.sum().to('float32')))(x, whole),
    'valueAndGrad: gradients (see wrt) are taken of float32 or float64, got int32',
  ],
  [
    'no list',
    () => valueAndGrad(total, bad({ wrt: 0 })),
    'valueAndGrad: wrt must be an array of positions of arguments and tensors, got 0',
  ],
  [
    'a position behind the last',
    () => valueAndGrad(total, { wrt: [1] })(x),
    'valueAndGrad: a position in wrt must be an integer from 0 to 0, got 1',
  ],
  [
    'no function',
    () => valueAndGrad(bad(x))(x),
    'valueAndGrad: fn must be a function of tensors, got an instance of Tensor',
  ],
  [
    'a number for an argument',
    () => valueAndGrad(total)(bad(3)),
    'valueAndGrad: argument 0 must be a tensor, got 3',
  ],
  [
    'nothing returned',
    () =>
      jacobian(
        bad(() => undefined),
        [x],
      ),
    'jacobian: fn must return a tensor, got undefined',
  ],
  [
    'no list of inputs',
    () => jacobian(same, bad(x)),
    'jacobian: inputs must be an array of tensors: write jacobian(fn, [x])',
  ],
  [
    'an integer input',
    () => jacobian(same, [whole]),
    'jacobian: the value of fn must be float32 or float64, got int32',
  ],
  ['one tensor', () => grad(x.sum(), bad(x)), 'grad: wrt must be an array of tensors: write grad(loss, [x])'],
  [
    'a parameter without brackets',
    () => vjp([x], [x], bad(x)),
    'vjp: wrt must be an array of tensors: write vjp([y], [cotangent], [x])',
  ],
  [
    'a primal without brackets',
    () => jvp(same, bad(x), bad(x)),
    'jvp: primals must be an array of tensors: write jvp(fn, [x], [t])',
  ],
  [
    'a vector without brackets',
    () => hvp(total, [x], bad(x)),
    'hvp: vectors must be an array of tensors: write hvp(fn, [x], [v])',
  ],
  ['no wrt', () => grad(x.sum(), bad(undefined)), 'grad: wrt must be an array of tensors, got undefined'],
  [
    'a loss in a list',
    () => grad(bad([x.sum()]), [x]),
    'grad: loss must be a tensor, got [an instance of Tensor]',
  ],
  [
    'a surplus argument',
    () => Reflect.apply(grad, undefined, [x.sum(), [x], true]),
    'grad: takes loss and wrt alone, got true',
  ],
  [
    'argnums',
    () => valueAndGrad(total, bad({ argnums: [0] })),
    'valueAndGrad: unknown option argnums; did you mean wrt? (the options are wrt)',
  ],
  [
    'a class for a function',
    () => checkpoint(bad(class Block {})),
    'checkpoint: fn must be a function of tensors, got function Block',
  ],
  ['no tangents', () => jvp(same, [x], []), 'jvp: needs one tangent for each of 1, got 0'],
  [
    'a wrong tangent',
    () => jvp(same, [x], [double]),
    'jvp: tangent 0 must be float32[2,3], got float64[2,3]',
  ],
  [
    'an integer primal',
    () => jvp((y: Tensor) => y.to('float32'), [whole], [whole]),
    'jvp: the arguments must be float32 or float64, got int32',
  ],
  ['a vector', () => hvp(same, [x], [x]), 'hvp: the value of fn must have one element, got [2,3]'],
  [
    'a wrong vector',
    () => hvp(total, [x], [ones([2])]),
    'hvp: vector 0 must be float32[2,3], got float32[2]',
  ],
  [
    'a vector for hessian',
    () => hessian(same, [x]),
    'hessian: the value of fn must have one element, got [2,3]',
  ],
  ['no rule', () => customGradient(same, bad(1)), 'customGradient: rule must be a function, got 1'],
  ['no fn', () => customGradient(bad(1), same), 'customGradient: fn must be a function of tensors, got 1'],
  [
    'a fn without a result',
    () =>
      customGradient(
        bad(() => 3),
        same,
      )(x),
    'customGradient: the function must return a tensor, got 3',
  ],
  ['a bad argument', () => twice(x, bad(3)), 'customGradient: argument 1 must be a tensor, got 3'],
  [
    'a gradient too few',
    () => grad(twice(x, x).sum(), [x]),
    'customGradient: the rule must give 2 gradients, one for each argument, got [an instance of Tensor]',
  ],
  [
    'a gradient of another shape',
    withRule((gradient) => gradient.sum()),
    'customGradient of scale: gradient 0 of the rule must be float32[2,3], got float32[]',
  ],
  [
    'a gradient of another dtype',
    withRule((gradient) => [gradient.to('float64')]),
    'customGradient of scale: gradient 0 of the rule must be float32[2,3], got float64[2,3]',
  ],
  [
    'a number',
    withRule(() => [1]),
    'customGradient of scale: gradient 0 of the rule must be float32[2,3] or null, got 1',
  ],
  [
    'nothing',
    withRule(() => undefined),
    'customGradient of scale: the rule must give 1 gradients, one for each argument, got undefined',
  ],
  [
    'a gradient for an integer',
    () => grad(pick(whole, row).sum(), [row]),
    'customGradient: gradient 0 of the rule must be null, for its argument is int32',
  ],
];

describe('the errors of derivatives', () => {
  it.each(calls)('say what is wrong with %s', (_, call, message) => {
    expectBadCall(call, message, 'errors.test.ts');
  });
});

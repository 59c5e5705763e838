import {
  compile,
  conv2d,
  customGradient,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  matmul,
  maxPool2d,
  nn,
  relu,
  softmax,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
  vjp,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { expectClose } from '../helpers/close.js';
import { decode, type Recorded, readFixture, toTensor } from '../helpers/fixtures.js';
import { report } from '../helpers/report.js';

interface Case {
  readonly inputs: readonly Recorded[];
  readonly vectors: readonly Recorded[];
  readonly results: readonly Recorded[];
}

type Inputs = readonly Tensor[];

const perceptron = (x: Tensor, w: Tensor, v: Tensor): Tensor =>
  matmul(tanh(matmul(x, w, { transposeB: true })), v, { transposeB: true });

const loss = (x: Tensor, w: Tensor, v: Tensor): Tensor =>
  nn.crossEntropy(perceptron(x, w, v), tensor(Int32Array.of(2, 0, 1, 1)));

const network = (x: Tensor, kernel: Tensor): Tensor =>
  softmax(maxPool2d(relu(conv2d(x, kernel, { padding: 1 })), 2).flatten(1));

const outer = (a: Tensor, b: Tensor): Tensor => a.unsqueeze(1).mul(b);

const sign = customGradient(
  (x) => x.sign(),
  (gradient, [x]) => gradient.mul((x as Tensor).square().div(-2).add(1.5)),
);

type Three = [Tensor, Tensor, Tensor];

/** The function of each recorded case, of its inputs and its vectors. */
const functions: Readonly<Record<string, (inputs: Inputs, vectors: Inputs) => Inputs>> = {
  'jvp of a perceptron': (inputs, vectors) => {
    const { value, tangent } = jvp(perceptron, inputs as Three, vectors);
    return [value, tangent];
  },
  'jvp of a convolutional network': (inputs, vectors) => {
    const { value, tangent } = jvp(network, inputs as [Tensor, Tensor], vectors);
    return [value, tangent];
  },
  'vjp of a perceptron': (inputs, vectors) => {
    const value = perceptron(...(inputs as Three));
    return [value, ...vjp([value], vectors, inputs)];
  },
  'valueAndGrad of a cross-entropy': (inputs) => {
    const { value, gradients } = valueAndGrad(loss)(...(inputs as Three));
    return [value, ...gradients];
  },
  'customGradient of a sign, twice': ([x]) => {
    const value = sign(x as Tensor);
    const first = grad(value.mul(x as Tensor).sum(), [x as Tensor]);
    return [value, ...first, ...grad((first[0] as Tensor).sum(), [x as Tensor])];
  },
  'hvp of a cross-entropy': (inputs, vectors) => hvp(loss, inputs as Three, vectors),
  'jacobian of a perceptron': (inputs) => jacobian(perceptron, inputs as Three),
  'jacobian of a product with few inputs': (inputs) => jacobian(outer, inputs as [Tensor, Tensor]),
  'hessian of a cross-entropy': (inputs) => hessian(loss, inputs as Three).flat(),
};

const { torch, cases } = readFixture<{ torch: string; cases: Readonly<Record<string, Case>> }>('autodiff');

describe(`derivatives in float32 against PyTorch ${torch}`, () => {
  it('compares every recorded case, and only those', () => {
    expect(Object.keys(functions).sort()).toEqual(Object.keys(cases).sort());
  });

  it.each(Object.entries(cases))('%s', async (name, { inputs, vectors, results }) => {
    const fn = functions[name] as (inputs: Inputs, vectors: Inputs) => Inputs;
    const given = [...inputs, ...vectors].map(toTensor);
    const split = (list: Inputs) => fn(list.slice(0, inputs.length), list.slice(inputs.length));
    const run = compile((...list: Tensor[]) => split(list));
    const compiled = await run(...given);
    run.release();
    expect(compiled.map(({ shape }) => shape)).toEqual(results.map(({ shape }) => shape));
    for (const [i, expected] of results.entries()) {
      const error = expectClose(
        `${name}: result ${i}`,
        await (compiled[i] as Tensor).data(),
        decode(expected),
        { relative: 1e-4, floor: 0.1 },
      );
      report(name, 'torchGradient', error);
      // Outside of a compiled function the same graph is written.
      expectClose(
        `${name}: result ${i}, uncompiled`,
        await (split(given)[i] as Tensor).data(),
        decode(expected),
        {
          relative: 1e-4,
          floor: 0.1,
        },
      );
    }
  });
});

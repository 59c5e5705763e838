import * as cr from 'chainrule';
import {
  compile,
  grad,
  hessian,
  hvp,
  jacobian,
  jvp,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import { reachable } from '#lib/graph/tensor.js';
import { checkOp } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';

const doubles = (...values: number[]): Tensor => tensor(Float64Array.from(values));
const matrix = (...rows: number[][]): Tensor => tensor(rows, { dtype: 'float64' });
const list = async (x: Tensor | undefined): Promise<number[]> => [...(await (x as Tensor).data())];
const exact = { relative: 1e-13 };

describe('vjp', () => {
  it('is the transposed Jacobian times the cotangent', async () => {
    const a = matrix([1, 2, 3], [4, 5, 6]);
    const x = doubles(1, -1, 2);
    const [toA, toX] = vjp([a.matmul(x)], [doubles(10, 100)], [a, x]);
    expect(await list(toX)).toEqual([410, 520, 630]);
    expect(await list(toA)).toEqual([10, -10, 20, 100, -100, 200]);
  });

  it('adds up over several outputs, one of which is part of another', async () => {
    const x = doubles(2, 3);
    const y = x.square();
    const [slope] = vjp([y, y.mul(x), y], [doubles(1, 1), doubles(1, 0), doubles(10, 10)], [x]);
    expect(await list(slope)).toEqual([11 * 4 + 12, 11 * 6]);
  });

  it('gives zeros for what no output depends on', async () => {
    const [slope] = vjp([doubles(1)], [doubles(1)], [cr.ones([2], 'float32')]);
    expect([slope?.shape, slope?.dtype]).toEqual([[2], 'float32']);
  });
});

describe('valueAndGrad', () => {
  it('gives the value and the gradient of every argument', async () => {
    const { value, gradients } = valueAndGrad((x: Tensor, y: Tensor) => x.mul(y).sum())(
      doubles(1, 2),
      doubles(3, 4),
    );
    expect(await value.item()).toBe(11);
    expect(await Promise.all(gradients.map(list))).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  it('gives partial derivatives, though arguments are the same or depend on each other', async () => {
    const x = doubles(3);
    const of = valueAndGrad((a: Tensor, b: Tensor) => a.mul(b).sum());
    expect(await Promise.all(of(x, x).gradients.map(list))).toEqual([[3], [3]]);
    expect(await Promise.all(of(x, x.square()).gradients.map(list))).toEqual([[9], [3]]);
    // To the outside the value depends on x along both ways.
    expect(await list(grad(of(x, x.square()).value, [x])[0])).toEqual([27]);
  });

  it('differentiates by chosen arguments, and by tensors that the function uses', async () => {
    const [x, w] = [doubles(1, 2), doubles(5)];
    const labels = tensor(Int32Array.of(0, 3));
    const fn = (a: Tensor, b: Tensor) => a.mul(b.to('float64')).mul(w).sum();
    const { gradients } = valueAndGrad(fn, { wrt: [w, 0] })(x, labels);
    expect(await Promise.all(gradients.map(list))).toEqual([[6], [0, 15]]);
  });

  it('trains a model in a compiled function', async () => {
    const model = new cr.nn.Linear(2, 1).init(1);
    const optimizer = cr.optim.sgd({ lr: 0.1 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = valueAndGrad(() => cr.nn.mseLoss(model.forward(x), y), { wrt: model.parameters() });
      const { value, gradients } = loss();
      optimizer.step(model.parameters(), gradients);
      return value;
    });
    const [x, y] = [
      tensor([
        [1, 2],
        [-1, 1],
      ]),
      tensor([[1], [0]]),
    ];
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) losses.push(await (await step(x, y)).item());
    step.release();
    expect(losses.at(-1)).toBeLessThan(1e-3 * (losses[0] as number));
  });

  it('can be differentiated again, in a compiled function and outside', async () => {
    const cube = (x: Tensor) => x.mul(x).mul(x).sum();
    const bend = (x: Tensor) => {
      const [slope] = valueAndGrad(cube)(x).gradients;
      return valueAndGrad((y: Tensor) =>
        (valueAndGrad(cube)(y).gradients[0] as Tensor).mul(slope as Tensor).sum(),
      )(x).gradients;
    };
    const run = compile(bend);
    const x = doubles(1, 2);
    expect(await list((await run(x))[0])).toEqual([18, 144]);
    expect(await list(bend(x)[0])).toEqual([18, 144]);
    run.release();
  });
});

describe('jvp', () => {
  it('is the Jacobian times the tangents, and the value', async () => {
    const [a, x] = [matrix([1, 2], [3, 4], [5, 6]), doubles(1, -1)];
    const { value, tangent } = jvp((m: Tensor, v: Tensor) => m.matmul(v), [a, x], [a.mul(2), doubles(10, 1)]);
    expect(await list(value)).toEqual([-1, -1, -1]);
    expect(await list(tangent)).toEqual([12 - 2, 34 - 2, 56 - 2]);
  });

  it('follows a whole curve: the derivative of the sine is the cosine', async () => {
    const x = doubles(0.3, -1, 2.5);
    const { tangent } = jvp((t: Tensor) => t.mul(2).sin(), [x], [cr.ones([3], 'float64')]);
    const expected = [0.3, -1, 2.5].map((t) => 2 * Math.cos(2 * t));
    expectClose('2 cos 2t', await list(tangent), expected, exact);
  });

  it('gives zeros for a function that does not depend on its argument', async () => {
    const { tangent } = jvp((_: Tensor) => doubles(1, 2), [doubles(3)], [doubles(1)]);
    expect(await list(tangent)).toEqual([0, 0]);
  });

  it('has the tangents themselves for the identity', async () => {
    expect(await list(jvp((x: Tensor) => x, [doubles(3)], [doubles(7)]).tangent)).toEqual([7]);
  });

  it('nests, and reaches every op that the network uses', async () => {
    const labels = tensor(Int32Array.of(1, 0));
    const fn = (...[x, kernel, weight]: Tensor[]): Tensor => {
      const maps = cr.maxPool2d(cr.conv2d(x as Tensor, kernel as Tensor, { padding: 1 }).tanh(), 2);
      const logits = cr
        .avgPool2d(maps, 2)
        .flatten(1)
        .matmul(weight as Tensor);
      return logits
        .logSoftmax()
        .mul(cr.oneHot(labels, 3, 'float64'))
        .sum(-1)
        .exp();
    };
    const along = (...inputs: Tensor[]): Tensor =>
      jvp(
        fn,
        inputs,
        inputs.map((x) => x.mul(x)),
      ).tangent;
    await checkOp('jvp of a network', along, [
      [2, 4, 4, 1],
      [3, 3, 1, 2],
      [2, 3],
    ]);
  });
});

describe('hvp', () => {
  it('is the Hessian times the vectors', async () => {
    const a = matrix([2, 1, 0], [1, 3, -1], [0, -1, 4]);
    const form = (x: Tensor) => x.mul(a.matmul(x)).sum().mul(0.5);
    expect(await list(hvp(form, [doubles(1, 1, 1)], [doubles(1, 0, 2)])[0])).toEqual([2, -1, 8]);
  });

  it('has the mixed derivatives of several arguments', async () => {
    const fn = (x: Tensor, y: Tensor) => x.square().mul(y).sum();
    const products = hvp(fn, [doubles(3), doubles(5)], [doubles(1), doubles(10)]);
    expect(await Promise.all(products.map(list))).toEqual([[10 + 60], [6]]);
  });

  it('has gradients of its own', async () => {
    const fn = (...[x, w]: Tensor[]) =>
      (w as Tensor)
        .matmul((x as Tensor).tanh())
        .sigmoid()
        .log()
        .sum();
    const along = (...inputs: Tensor[]): Tensor => hvp(fn, inputs, inputs)[0] as Tensor;
    await checkOp('hvp of a perceptron', along, [[3], [2, 3]]);
  });
});

describe('jacobian', () => {
  it('is a matrix for vectors, by rows and by columns', async () => {
    const wide = matrix([1, 2, 3], [4, 5, 6]);
    const tall = wide.transpose();
    for (const m of [wide, tall]) {
      const [found] = jacobian((x: Tensor) => m.matmul(x), [cr.ones([m.shape[1] as number], 'float64')]);
      expect(found?.shape).toEqual(m.shape);
      expect(await list(found)).toEqual(await list(m));
    }
  });

  it('has the axes of the value, then those of the argument', async () => {
    const fn = (x: Tensor, y: Tensor) => x.unsqueeze(2).mul(y).sum(1);
    const [x, y] = [matrix([1, 2]), doubles(3, 4, 5)];
    const found = jacobian(fn, [x, y]);
    expect(found.map(({ shape }) => shape)).toEqual([
      [1, 3, 1, 2],
      [1, 3, 3],
    ]);
    expect(await list(found[0])).toEqual([3, 3, 4, 4, 5, 5]);
    expect(await list(found[1])).toEqual([3, 0, 0, 0, 3, 0, 0, 0, 3]);
  });

  it('takes as few products as the value, or the arguments, have elements', () => {
    const products = (fn: (x: Tensor) => Tensor, size: number) =>
      reachable(jacobian(fn, [cr.ones([size])])).filter(({ op }) => op.kind === 'matmul').length;
    const matrixOf = (rows: number, columns: number) => (x: Tensor) => cr.ones([rows, columns]).matmul(x);
    expect(products(matrixOf(3, 20), 20)).toBeLessThan(10);
    expect(products(matrixOf(20, 3), 3)).toBeLessThan(10);
  });

  it('takes scalars and empty tensors', async () => {
    const [slope] = jacobian((x: Tensor) => x.square(), [tensor(3, { dtype: 'float64' })]);
    expect([slope?.shape, await list(slope)]).toEqual([[], [6]]);
    const [empty] = jacobian((x: Tensor) => x.square(), [cr.zeros([0])]);
    expect(empty?.shape).toEqual([0, 0]);
    const [none] = jacobian((x: Tensor) => cr.concat([x, doubles(1)]), [cr.zeros([0], 'float64')]);
    expect([none?.shape, await list(none)]).toEqual([[1, 0], []]);
  });

  it('has gradients of its own, in both modes', async () => {
    const up = (x: Tensor) =>
      x
        .unsqueeze(1)
        .mul(tensor([[1, 2, 3]], { dtype: 'float64' }))
        .tanh();
    await checkOp('jacobian by columns', (x) => jacobian(up, [x as Tensor])[0] as Tensor, [[2]]);
    const down = (x: Tensor) => x.tanh().sum(1);
    await checkOp('jacobian by rows', (x) => jacobian(down, [x as Tensor])[0] as Tensor, [[2, 3]]);
  });
});

describe('hessian', () => {
  it('has a block for each pair of arguments', async () => {
    const blocks = hessian((x: Tensor, y: Tensor) => x.square().mul(y).sum(), [doubles(3, 2), doubles(5, 4)]);
    const found = await Promise.all(blocks.map((row) => Promise.all(row.map(list))));
    expect(found).toEqual([
      [
        [10, 0, 0, 8],
        [6, 0, 0, 4],
      ],
      [
        [6, 0, 0, 4],
        [0, 0, 0, 0],
      ],
    ]);
  });

  it('is symmetric, and agrees with hvp', async () => {
    const fn = (x: Tensor) => x.logSumExp().mul(x.square().sum()).sum();
    const [x, v] = [doubles(0.3, -0.2, 1.1), doubles(1, 2, -1)];
    const [[h]] = hessian(fn, [x]) as [[Tensor]];
    expectClose('transposed', await list(h), await list(h.transpose()), exact);
    expectClose('times a vector', await list(h.matmul(v)), await list(hvp(fn, [x], [v])[0]), exact);
  });
});

describe('gradients of derivatives', () => {
  const fn = (x: Tensor, w: Tensor) => w.matmul(x.tanh()).sigmoid().log().sum();
  const shapes = [[3], [2, 3]];
  const cases: [string, (x: Tensor, w: Tensor) => Tensor][] = [
    ['vjp of a perceptron', (x, w) => vjp([w.matmul(x.tanh())], [w.sum(1)], [w])[0] as Tensor],
    ['valueAndGrad of a perceptron', (x, w) => valueAndGrad(fn)(x, w).gradients[1] as Tensor],
    ['hessian of a perceptron', (x, w) => hessian(fn, [x, w])[1]?.[0] as Tensor],
  ];
  it.each(cases)('%s', async (name, derivative) => {
    await checkOp(name, derivative as (...inputs: Tensor[]) => Tensor, shapes);
  });
});

import { compile, customGradient, grad, hvp, jvp, nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { input } from '#lib/graph/leaf.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';

const doubles = (...values: number[]): Tensor => tensor(Float64Array.from(values));
const list = async (x: Tensor | undefined): Promise<number[]> => [...(await (x as Tensor).data())];

const straightSign = customGradient(
  (x) => x.sign(),
  (gradient) => gradient,
);
const clipped = customGradient(
  (x) => x,
  (gradient) => [gradient.maximum(-1).minimum(1)],
);
const reversed = (scale: number) =>
  customGradient(
    (x) => x,
    (gradient) => [gradient.mul(-scale)],
  );

describe('customGradient', () => {
  it('passes a gradient straight through a sign (a binarised network)', async () => {
    const x = doubles(-2, 0.5, 3);
    const loss = straightSign(x)
      .mul(doubles(1, 2, 3))
      .sum();
    expect(await loss.item()).toBe(4);
    expect(await list(grad(loss, [x])[0])).toEqual([1, 2, 3]);
  });

  it('clips a gradient on its way, and reverses one (as in domain-adversarial training)', async () => {
    const x = doubles(1, 2, 3);
    const factors = doubles(-5, 0.5, 5);
    expect(await list(grad(clipped(x).mul(factors).sum(), [x])[0])).toEqual([-1, 0.5, 1]);
    expect(await list(grad(reversed(2)(x).mul(factors).sum(), [x])[0])).toEqual([10, -1, -10]);
  });

  it('keeps rules apart whose functions and arguments are the same', async () => {
    const x = doubles(1, 1);
    const run = compile((y: Tensor) => grad(reversed(1)(y).add(reversed(3)(y)).add(clipped(y)).sum(), [y]));
    expect(await list((await run(x))[0])).toEqual([-3, -3]);
    run.release();
  });

  it('sends gradients to the arguments alone', async () => {
    const [x, hidden] = [doubles(2), doubles(3)];
    const scaled = customGradient(
      (y) => y.mul(hidden),
      (gradient) => [gradient],
    );
    expect((await Promise.all(grad(scaled(x).sum(), [x, hidden]).map(list))).flat()).toEqual([1, 0]);
  });

  it('takes several arguments, some without a gradient', async () => {
    const pick = customGradient(
      (x, index, y) => x.gather(index).mul(y),
      (gradient, [x, , y]) => [gradient.sum().expand((x as Tensor).shape), null, (y as Tensor).mul(0)],
    );
    const [x, y] = [doubles(1, 2, 3), doubles(4, 5)];
    const slopes = grad(pick(x, tensor(Int32Array.of(0, 2)), y).sum(), [x, y]);
    expect(await Promise.all(slopes.map(list))).toEqual([
      [2, 2, 2],
      [0, 0],
    ]);
  });

  it('differentiates the rule for the second order, and in products with the Jacobian', async () => {
    // Says that the derivative of x is x squared, so that the second one is 2 x.
    const odd = customGradient(
      (x) => x.mul(1),
      (gradient, [x]) => [gradient.mul((x as Tensor).square())],
    );
    const x = doubles(3, 4);
    expect(await list(jvp(odd, [x], [doubles(1, 10)]).tangent)).toEqual([9, 160]);
    expect(await list(hvp((y) => odd(y).sum(), [x], [doubles(1, 10)])[0])).toEqual([6, 80]);
    const run = compile((y: Tensor) => hvp((z) => odd(z).sum(), [y], [y]));
    expect(await list((await run(x))[0])).toEqual([18, 32]);
    run.release();
  });

  it('costs nothing in a plan', () => {
    const x = input('x', [4]);
    const value = straightSign(clipped(x.exp()).detach()).exp();
    expect(kernelsOf(planOf({ inputs: [x], outputs: [value] }))).toEqual(
      kernelsOf(planOf({ inputs: [x], outputs: [x.exp().sign().exp()] })),
    );
    // An argument and a constant may be the value themselves.
    const { plan } = compileGraph(
      { inputs: [x], outputs: [clipped(x), clipped(tensor([1]))] },
      nativeKernels,
    );
    expect(plan.steps.map(({ kernel }) => kernel)).toEqual(['copy', 'copy']);
  });

  it('trains a layer with binary activations', async () => {
    class Binary extends nn.Module {
      first = new nn.Linear(2, 8);
      second = new nn.Linear(8, 1);
      forward(x: Tensor): Tensor {
        return this.second.forward(straightSign(this.first.forward(x)));
      }
    }
    const model = new Binary().init(3);
    const gradients = compile((x: Tensor) => grad(model.forward(x).sum(), model.parameters()));
    const slopes = await gradients(tensor([[1, 2]]));
    gradients.release();
    expect((await list(slopes[0])).some((slope) => slope !== 0)).toBe(true);
  });
});

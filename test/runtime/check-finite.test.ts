import { assign, compile, grad, nn, optim, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { failure } from '../helpers/graphs.js';
import { hashOf } from '../helpers/runs.js';

describe('compile with checkFinite', () => {
  const made = (optimizer = optim.adam({ lr: 0.1 }), checkFinite = true) => {
    const model = new nn.Linear(2, 1, { bias: false }).init(1);
    const step = compile(
      (x, y) => {
        const loss = model.forward(x).sub(y).square().sqrt().mean();
        optimizer.step(model.parameters(), grad(loss, model.parameters()));
        return loss;
      },
      { checkFinite },
    );
    return { model, optimizer, step };
  };
  const [good, bad] = [
    [
      [
        [1, 2],
        [2, 1],
      ],
      [[7], [8]],
    ],
    [
      [
        [1, 2],
        [0, 0],
      ],
      [[7], [0]],
    ],
  ] as const;

  it.each([
    ['Adam', () => optim.adam({ lr: 0.1 })],
    ['clipped values', () => optim.sgd({ lr: 0.1, clipValue: 1 })],
    ['accumulation', () => optim.adam({ lr: 0.1, accumulate: 2 })],
  ])('rejects before an update that would not be finite, with %s', async (_, optimizer) => {
    const { model, step, optimizer: own } = made(optimizer());
    await step(...good);
    const before = hashOf(model);
    const error = await failure(step(...bad));
    expect(error).toMatchObject({ code: 'ERR_CHAINRULE_NON_FINITE' });
    expect(error.message).toMatch(
      /^compile: results, gradients and assigned values must be finite; nothing was assigned\. div in \(function\) made .* in the backward pass, for the gradient of sqrt: 1 of its 2 values/,
    );
    expect(hashOf(model)).toBe(before);
    expect(own.steps).toBe(1);
    const plain = made(optimizer(), false);
    for (let i = 0; i < 4; i++) {
      if (i > 0) await step(...good);
      await plain.step(...good);
    }
    expect(hashOf(model)).toBe(hashOf(plain.model));
  });

  it('names an argument, a parameter or a result', async () => {
    const { weight } = new nn.Linear(1, 1).init(1);
    const call = async (fn: (x: Tensor) => Tensor, x: number[]) =>
      (await failure(compile(fn, { checkFinite: true })(x))).message;
    expect(await call((x) => x.mul(2), [1, Number.NaN])).toMatch(
      /argument 0 must be finite, but 1 of its 2 values/,
    );
    expect(await call((x) => x.log(), [1, 0])).toMatch(
      /log in \(function\) made .* in the forward pass: 1 of its 2/,
    );
    weight.storage.data.fill(Number.POSITIVE_INFINITY);
    expect(await call((x) => x.add(weight), [1])).toMatch(/weight must be finite, but 1 of its 1 values/);
  });

  it('looks at assigned values, and leaves them out if they are not finite', async () => {
    const { weight } = new nn.Linear(1, 1).init(1);
    weight.storage.data.fill(2);
    const step = compile(
      (x: Tensor) => {
        assign(weight, weight.div(x.reshape([1, 1])));
        return x;
      },
      { checkFinite: true },
    );
    await step([4]);
    expect(weight.storage.data[0]).toBe(0.5);
    await expect(step([0])).rejects.toThrow(/div in \(function\) made the first value/);
    expect(weight.storage.data[0]).toBe(0.5);
  });

  it('takes no offence at infinities that do not reach a result', async () => {
    const step = compile((x: Tensor) => x.exp().neg().exp(), { checkFinite: true });
    expect(await (await step([1000])).item()).toBe(0);
  });

  it('is true or false', () => {
    expect(() => compile((x: Tensor) => x, { checkFinite: 'yes' as unknown as boolean })).toThrow(
      'compile: checkFinite must be true or false, got yes',
    );
  });
});

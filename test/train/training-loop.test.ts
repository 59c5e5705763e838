import { compile, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { valuesOf, variable } from '../helpers/graphs.js';

// Eight points of a plane, and its values there: exactly linear, so that the loss goes to 0.
const points = Array.from({ length: 8 }, (_, i) => [((i * 5) % 8) / 4 - 1, ((i * 3) % 7) / 3 - 1]);
const heights = points.map(([u = 0, v = 0]) => [2 * u - 3 * v + 0.5]);
const start = { weight: [0.1, -0.2], bias: [0.3] };

const plane = () => [variable([2, 1], start.weight), variable([1], start.bias)] as const;
const lossOf = (x: Tensor, y: Tensor, w: Tensor, b: Tensor) => nn.mseLoss(x.matmul(w).add(b), y);

/** Plain gradient descent on the plane, with the formulas written out; gives the losses and the parameters. */
function descend(steps: number, lr: (step: number) => number) {
  const w = [...start.weight] as [number, number];
  let [b = 0] = start.bias;
  const losses = Array.from({ length: steps }, (_, step) => {
    const errors = points.map(([u = 0, v = 0], i) => w[0] * u + w[1] * v + b - (heights[i]?.[0] as number));
    const mean = (of: (error: number, i: number) => number) =>
      errors.reduce((sum, error, i) => sum + of(error, i), 0) / errors.length;
    const slope = [0, 1].map((axis) => mean((error, i) => 2 * error * (points[i]?.[axis] as number)));
    const slopeOfBias = mean((error) => 2 * error);
    const loss = mean((error) => error * error);
    w[0] -= lr(step) * (slope[0] as number);
    w[1] -= lr(step) * (slope[1] as number);
    b -= lr(step) * slopeOfBias;
    return loss;
  });
  return { losses, parameters: [...w, b] };
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 5);
  });
}

describe('a hand-written loop', () => {
  it('with compile() and an optimiser takes the steps of gradient descent', async () => {
    const [w, b] = plane();
    const optimizer = optim.sgd({ lr: 0.2 });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = lossOf(x, y, w, b);
      optimizer.step([w, b], grad(loss, [w, b]));
      return loss;
    });
    const losses: number[] = [];
    for (let i = 0; i < 100; i++) losses.push(await (await step(points, heights)).item());
    const expected = descend(100, () => 0.2);
    expectNear(losses, expected.losses);
    expectNear([...valuesOf(w), ...valuesOf(b)], expected.parameters);
    expect(losses.at(-1)).toBeLessThan(1e-3 * (losses[0] as number));
    expect(optimizer.steps).toBe(100);
  });

  it('with nothing but grad() and data() takes the same steps', async () => {
    let [w, b] = [tensor(start.weight, { shape: [2, 1] }), tensor(start.bias)];
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const loss = lossOf(tensor(points), tensor(heights), w, b);
      const [dw, db] = grad(loss, [w, b]) as [Tensor, Tensor];
      losses.push(await loss.item());
      w = tensor(await w.sub(dw.mul(0.2)).data(), { shape: [2, 1] });
      b = tensor(await b.sub(db.mul(0.2)).data());
    }
    const expected = descend(20, () => 0.2);
    expectNear(losses, expected.losses);
    expectNear([...(await w.data()), ...(await b.data())], expected.parameters);
  });

  it('takes the learning rate of each step from the schedule', async () => {
    const [w, b] = plane();
    const rates = [0.3, 0.01, 0, 0.2, 0.1];
    const optimizer = optim.sgd({ lr: (step) => rates[step] ?? Number.NaN });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = lossOf(x, y, w, b);
      optimizer.step([w, b], grad(loss, [w, b]));
      return loss;
    });
    for (const _ of rates) await step(points, heights);
    expectNear([...valuesOf(w), ...valuesOf(b)], descend(5, (i) => rates[i] as number).parameters);
  });

  it('stops with an error, and without a step, where the schedule gives no number', async () => {
    const [w, b] = plane();
    const optimizer = optim.sgd({ lr: (step) => (step < 1 ? 0.1 : Number.NaN) });
    const step = compile((x: Tensor, y: Tensor) => {
      optimizer.step([w, b], grad(lossOf(x, y, w, b), [w, b]));
      return b;
    });
    await step(points, heights);
    const before = valuesOf(w);
    await expect(step(points, heights)).rejects.toThrow(
      'sgd: the schedule must give a non-negative number at step 1, got NaN',
    );
    expect(valuesOf(w)).toEqual(before);
    expect(optimizer.steps).toBe(1);
  });

  it('keeps the state of the optimiser over shapes and release()', async () => {
    const run = async (calls: readonly (readonly number[])[], release: boolean) => {
      const w = variable([], [1]);
      const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9 });
      const step = compile((x: Tensor) => {
        optimizer.step([w], grad(x.mean().mul(w), [w]));
        return w;
      });
      for (const x of calls) {
        await step(x);
        if (release) step.release();
      }
      return valuesOf(w);
    };
    const even = await run([[1], [2], [3]], false);
    // Two steps with momentum 0.9: the velocity is 1, then 0.9 + 2, then 0.9 * 2.9 + 3.
    expect(even[0]).toBeCloseTo(1 - 0.1 * (1 + 2.9 + 5.61), 5);
    expect(await run([[1, 1], [2], [3, 3, 3]], true)).toEqual(even);
  });

  it('trains a classifier with Adam', async () => {
    const net = new nn.Sequential(new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 2)).init(3);
    const labels = Int32Array.from(points, ([u = 0, v = 0]) => Number(u * v > 0));
    const optimizer = optim.adam({ lr: 0.05 });
    const step = compile((x: Tensor, y: Tensor) => {
      const logits = net.forward(x);
      const loss = nn.crossEntropy(logits, y);
      optimizer.step(net.parameters(), grad(loss, net.parameters()));
      return { loss, right: nn.accuracy(logits, y) };
    });
    const first = await step(points, labels);
    for (let i = 0; i < 200; i++) await step(points, labels);
    const last = await step(points, labels);
    expect(await last.loss.item()).toBeLessThan(0.05 * (await first.loss.item()));
    expect(await last.right.item()).toBe(1);
  });
});

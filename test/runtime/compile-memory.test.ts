import { compile, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';

/** A chain whose values are large beside all else, and one step of gradient descent on it. */
function chain(memory?: number | string) {
  const model = new nn.Sequential(
    ...Array.from({ length: 24 }, () => [new nn.Linear(16, 16), new nn.Tanh()]).flat(),
  ).init(3);
  const optimizer = optim.sgd({ lr: 0.1 });
  const step = compile(
    (x: Tensor) => {
      const loss = model.forward(x).square().mean();
      optimizer.step(model.parameters(), grad(loss, model.parameters()));
      return loss;
    },
    memory === undefined ? {} : { memory },
  );
  const values = () => model.parameters().map((parameter) => parameter.storage.data.slice());
  return { step, values };
}

const x = tensor(
  Float32Array.from({ length: 8192 * 16 }, (_, i) => Math.sin(i)),
  { shape: [8192, 16] },
);

/** The bytes that a refusal names as the smallest budget. */
async function leastOf(memory: number): Promise<number> {
  const error: unknown = await chain(memory)
    .step(x)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return Number(/must be at least (\d+) bytes/.exec(String(error))?.[1]);
}

describe('compile within a budget', () => {
  it('gives the same bits, down to the smallest that it names', async () => {
    const plain = chain();
    const expected = [await (await plain.step(x)).item(), plain.values()];
    const least = await leastOf(1000);
    expect(least).toBeLessThan(7e6);
    for (const memory of [least, 2 * least, '1GB']) {
      const { step, values } = chain(memory);
      expect([await (await step(x)).item(), values()]).toEqual(expected);
    }
  });

  it('refuses one byte less before anything runs, and says what it is made of', async () => {
    const least = await leastOf(1000);
    const { step, values } = chain(least - 1);
    const before = values();
    await expect(step(x)).rejects.toThrow(
      new RegExp(
        `^compile: memory must be at least ${least} bytes \\(.*\\) for these shapes: .* intermediate values, ` +
          `.* variables, 524 kB arguments, 4 B results, .* the plan itself, got ${least - 1} bytes$`,
      ),
    );
    expect(values()).toEqual(before);
  });

  it('is decided for each shape', async () => {
    const { step } = chain((await leastOf(1000)) - 1);
    await expect(step(x)).rejects.toThrow('memory must be at least');
    await expect(step(tensor(new Float32Array(16), { shape: [1, 16] }))).resolves.toBeDefined();
  });
});

import { checkpoint, compile, grad, type nn, type Tensor } from 'chainrule';
import { expect } from 'vitest';
import { hashOf } from './runs.js';

/** `checkpoint`, or a wrapper that leaves a function unchanged. */
export type Wrap = typeof checkpoint;

const plain: Wrap = (fn) => fn;

/** The bits of tensors, as text. */
export async function bitsOf(tensors: readonly Tensor[]): Promise<string[]> {
  const values = await Promise.all(tensors.map((x) => x.data()));
  return values.map((value) => Buffer.from(value.slice().buffer).toString('hex'));
}

/** The results of a function of some inputs in two runs, and what they leave in a model. */
async function runTwice(
  model: nn.Module | undefined,
  fn: (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
) {
  const run = compile(fn, { seed: 5 });
  const found = [await bitsOf(await run(...inputs)), await bitsOf(await run(...inputs))];
  run.release();
  return { found, model: model && hashOf(model) };
}

/** Checks that a function gives the same bits with and without checkpoints, and the expected draws and results. */
export async function expectSameBits<M extends nn.Module>(
  create: () => M,
  fn: (wrap: Wrap, model: M) => (...inputs: Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
): Promise<void> {
  const run = (wrap: Wrap) => {
    const model = create().init(1);
    return runTwice(model, fn(wrap, model), inputs);
  };
  const expected = await run(plain);
  expect(await run(checkpoint)).toEqual(expected);
  expect(new Set(expected.found.flat()).size).toBeGreaterThan(1);
}

/** The mean square of an output, and its gradients with respect to a model's parameters and some inputs. */
export function lossAndGradients(output: Tensor, model: nn.Module, inputs: readonly Tensor[]): Tensor[] {
  const loss = output.square().mean();
  return [loss, output, ...grad(loss, [...model.parameters(), ...inputs])];
}

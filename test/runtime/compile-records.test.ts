import { compile, grad, nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../helpers/checkpointed.js';
import { inputs, Recommender } from '../helpers/models/recommender.js';

type Pair = { readonly a: Tensor; readonly b: Tensor };

describe('a compiled function of records', () => {
  it('gives what the function gives of tensors, by name and in records', async () => {
    const fn = ({ a, b }: Pair, c: Tensor) => ({ difference: a.sub(b).mul(c), a });
    const compiled = compile(fn);
    const [a, b] = [tensor([5, 7]), tensor([1, 2])];
    for (const given of [
      { a, b },
      { b: [1, 2], a: Float32Array.of(5, 7) },
    ]) {
      const { difference, a: same } = await compiled(given, 2);
      expect([...(await difference.data())]).toEqual([8, 10]);
      expect([...(await same.data())]).toEqual([5, 7]);
    }
    // The same tensor may stand in several places, and a record with numbers as names.
    expect([...(await (await compiled({ a, b: a }, 2)).difference.data())]).toEqual([0, 0]);
    const numbered = compile((record: Record<string, Tensor>) =>
      (record[1] as Tensor).sub(record[0] as Tensor),
    );
    expect(await (await numbered({ 1: 5, 0: 3 })).item()).toBe(2);
    expect(await (await numbered({ 0: 3, 1: 5 })).item()).toBe(2);
  });

  it('has a plan for each set of names, shapes and dtypes, and leaves the record as it was', async () => {
    let traces = 0;
    const sums = compile((record: Record<string, Tensor>) => {
      traces++;
      const all = Object.values(record);
      for (const name of Object.keys(record)) delete record[name];
      return all.reduce((sum, x) => sum.add(x.sum().to('float32')), tensor(0));
    });
    const record = { a: [1, 2], b: [3] };
    const calls = [
      record,
      record,
      { b: [3], a: [1, 2] },
      { a: [1], b: [3] },
      { a: Int32Array.of(1, 2), b: [3] },
      { c: [6] },
    ];
    const values = [];
    for (const call of calls) values.push(await (await sums(call)).item());
    expect(values).toEqual([6, 6, 6, 4, 6, 6]);
    expect(traces).toBe(5);
    expect(record).toEqual({ a: [1, 2], b: [3] });
  });

  it('runs models, for inference as well, and their gradients', async () => {
    const model = new Recommender().init(1).eval();
    const forward = (given: Parameters<Recommender['forward']>[0]) => model.forward(given);
    const expected = await bitsOf(Object.values(await compile(forward)(inputs)));
    expect(await bitsOf(Object.values(await compile(forward, { inference: true })(inputs)))).toEqual(
      expected,
    );
    const slopes = compile((given: Parameters<Recommender['forward']>[0]) => {
      const { rating, click } = model.forward(given);
      return grad(rating.sum().add(click.square().sum()), [given.price, ...model.parameters()]);
    });
    expect((await slopes(inputs)).map(({ shape }) => shape)).toEqual([
      [11],
      ...model.parameters().map(({ shape }) => shape),
    ]);
  });

  it('refuses what is no tensor by its name', async () => {
    const compiled = compile(({ a, b }: Pair) => a.add(b));
    const call = (...args: unknown[]) => Reflect.apply(compiled, undefined, args) as Promise<unknown>;
    await expect(call({ a: 1, b: 'x' })).rejects.toThrow(
      'compile: argument 0.b must be a tensor, or numbers that make one, got x',
    );
    await expect(call({ a: 1, b: { c: 1 } })).rejects.toThrow(
      'compile: argument 0.b must be a tensor, or numbers that make one, got an object',
    );
    await expect(call({ a: 1, b: [tensor(1)] })).rejects.toThrow(
      'compile: argument 0.b must be one tensor; a list of inputs is given as several arguments',
    );
    await expect(call(null)).rejects.toThrow(
      'compile: argument 0 must be a tensor, numbers that make one, or a record of these, got null',
    );
    await expect(call([tensor(1), tensor(2)])).rejects.toThrow(
      'compile: argument 0 must be one tensor; a list of inputs is given as several arguments',
    );
    const checking = compile(({ a, b }: Pair) => nn.mseLoss(a, b), { checkFinite: true });
    await expect(checking({ a: [1, 2], b: [Number.NaN, 2] })).rejects.toThrow(
      'argument 0.b must be finite, but 1 of its 2 values are not',
    );
  });
});

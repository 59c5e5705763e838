import { io, nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';

const float = (shape: number[], values: readonly number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: Float32Array.from(values),
});

/** Adds a scaled record of two. */
class Blend extends nn.Module<{ a: Tensor; b: Tensor }> {
  forward({ a, b }: { a: Tensor; b: Tensor }): Tensor {
    return a.add(b.mul(2));
  }
}
class OfRecord extends nn.Module<{ a: Tensor; b: Tensor }, { sum: Tensor; product: Tensor }> {
  blend = new Blend();
  forward({ a, b }: { a: Tensor; b: Tensor }) {
    return { sum: this.blend.forward({ a, b }), product: a.mul(b) };
  }
}
class OfList extends nn.Module<[Tensor, Tensor], [Tensor, Tensor]> {
  blend = new Blend();
  forward(a: Tensor, b: Tensor): [Tensor, Tensor] {
    return [this.blend.forward({ a, b }), a.mul(b)];
  }
}

const [of, and] = [
  [1, 2, -3, 0.5, 7],
  [10, 20, 5, -4, 0.25],
] as const;
const [a, b] = [float([1, 5], of), float([1, 5], and)];
const [sum, product] = [
  float(
    [1, 5],
    of.map((value, i) => value + 2 * (and[i] as number)),
  ),
  float(
    [1, 5],
    of.map((value, i) => value * (and[i] as number)),
  ),
];
const compared = (model: nn.AnyModule, recorded: Record<string, ReturnType<typeof float>>) =>
  io.compare(model, recorded);

describe('compare of a model with several inputs and outputs', () => {
  it('takes records by name', async () => {
    const inputs = { 'input.b': b, 'input.a': a };
    const found = await compared(new OfRecord(), {
      ...inputs,
      blend: sum,
      'output.sum': sum,
      'output.product': product,
    });
    expect(found.layers.map(({ path, departs }) => [path, departs])).toEqual([
      ['blend', false],
      ['output.sum', false],
      ['output.product', false],
    ]);
    expect(found).toMatchObject({ missing: [], uncalled: [], unrecorded: [] });
    const bad = await compared(new OfRecord(), { ...inputs, 'output.product': sum, 'output.other': sum });
    expect(bad.first).toMatchObject({ path: 'output.product', type: 'OfRecord', departs: true });
    expect(bad).toMatchObject({ missing: ['output.other'], unrecorded: ['blend', 'output.sum'] });
    // A layer that takes a record is examined on the tensors of it.
    const scaled = await compared(new OfRecord(), { ...inputs, blend: a });
    expect(scaled.first).toMatchObject({ path: 'blend', reason: 'the original returns its input' });
  });

  it('takes lists by index, of which the first may be the output', async () => {
    const inputs = { 'input.0': a, 'input.1': b };
    for (const first of ['output', 'output.0']) {
      const found = await compared(new OfList(), { ...inputs, [first]: sum, 'output.1': product });
      expect(found.layers.map(({ path, departs }) => [path, departs])).toEqual([
        ['output', false],
        ['output.1', false],
      ]);
      expect(found.missing).toEqual([]);
    }
  });

  it('tells what is missing', async () => {
    await expect(compared(new OfRecord(), { 'input.a': a, blend: sum })).rejects.toThrow(
      'compare: the inputs must have b, which forward reads, got a record of a',
    );
    await expect(compared(new OfList(), { input: a, output: sum })).rejects.toThrow();
    await expect(compared(new OfRecord(), { 'output.sum': sum })).rejects.toThrow(
      "must have the model's input as input, or input.0, input.1, ... or input.<name> for several; it has output.sum",
    );
  });
});

import { nn, type Tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { type Block, Nested } from '../helpers/nn.js';

const valuesOf = (model: nn.Module) => model.parameters().map(({ storage }) => [...storage.data]);

const statistics = (values: ArrayLike<number>) => {
  const list = Array.from(values);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  const variance = list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length;
  return { mean, deviation: Math.sqrt(variance), low: Math.min(...list), high: Math.max(...list) };
};

describe('initialisers', () => {
  const [fanIn, fanOut] = [300, 200];
  const draw = (init: nn.init.Initialiser) =>
    new nn.Linear(fanIn, fanOut, { init, bias: false }).init(1).weight.storage.data;
  it('normal numbers fall within one and two deviations as often as they should', () => {
    const values = Array.from(draw(nn.init.normal(1, 0.5)), (value) => Math.abs(value - 1) / 0.5);
    const share = (limit: number) => values.filter((value) => value < limit).length / values.length;
    expect(Math.abs(share(1) - 0.6827)).toBeLessThan(0.01);
    expect(Math.abs(share(2) - 0.9545)).toBeLessThan(0.005);
  });

  it('neighbours are not correlated', () => {
    const values = draw(nn.init.normal());
    for (const lag of [1, 2, 3, 4, 300]) {
      let product = 0;
      for (let i = lag; i < values.length; i++)
        product += (values[i] as number) * (values[i - lag] as number);
      expect(Math.abs(product / values.length)).toBeLessThan(5 / Math.sqrt(values.length));
    }
  });

  it('a convolution counts its taps in its fans', () => {
    const conv = new nn.Conv2d(16, 32, [3, 5], { init: nn.init.kaimingUniform() }).init(1);
    expect(statistics(conv.weight.storage.data).high).toBeCloseTo(Math.sqrt(6 / (16 * 15)), 2);
    const bias = statistics(new nn.Conv2d(16, 3000, 3).init(1).bias?.storage.data ?? []);
    expect(bias.high).toBeCloseTo(1 / Math.sqrt(16 * 9), 2);
  });

  it('the same seed draws the same values, another seed others', () => {
    expect(valuesOf(new Nested().init(4))).toEqual(valuesOf(new Nested().init(4)));
    const [a, b] = [valuesOf(new Nested().init(4)), valuesOf(new Nested().init(5))];
    // All but `scale`, which is all ones.
    for (let i = 0; i < a.length - 1; i++) expect(a[i]).not.toEqual(b[i]);
  });

  it('the high word of the seed counts', () => {
    expect(valuesOf(new nn.Linear(3, 2).init(2 ** 32))).not.toEqual(valuesOf(new nn.Linear(3, 2).init(0)));
  });

  it('parameters of one model differ from each other', () => {
    const [first, second] = new Nested().init(1).blocks;
    expect([...(first as Block).fc.weight.storage.data]).not.toEqual([
      ...(second as Block).fc.weight.storage.data,
    ]);
  });

  it('the order in which layers are made and used does not matter', () => {
    class Forwards extends nn.Module {
      a = new nn.Linear(3, 4);
      b = new nn.Linear(4, 2);
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x));
      }
    }
    class Backwards extends nn.Module {
      b = new nn.Linear(4, 2);
      a = new nn.Linear(3, 4);
      forward(x: Tensor): Tensor {
        return this.b.forward(this.a.forward(x));
      }
    }
    const sorted = (model: nn.Module) =>
      Object.fromEntries(model.namedParameters().map(([path, { storage }]) => [path, [...storage.data]]));
    expect(sorted(new Backwards().init(3))).toEqual(sorted(new Forwards().init(3)));
  });

  it('init does not touch values that are there', () => {
    const model = new nn.Linear(2, 2).init(1);
    model.weight.storage.data.fill(7);
    expect([...model.init(2).weight.storage.data]).toEqual([7, 7, 7, 7]);
  });
});

import * as cr from 'chainrule';
import {
  ChainruleError,
  type Checkable,
  customGradient,
  type Disagreement,
  gradcheck,
  nn,
  type Shape,
  Tensor,
  tensor,
} from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { OpRecord } from '#lib/graph/op.js';
import { expOp } from '#lib/ops/primitives/elementwise.js';

const f64 = { dtype: 'float64' } as const;
type Inputs = Parameters<typeof gradcheck>[1];

/** The exponential, in a record whose rule forgets the factor. */
const wrongExpOp: OpRecord = { ...(expOp as OpRecord), kind: 'wrongExp', grad: (gradient) => [gradient] };
const wrongExp = (x: Tensor): Tensor => new Tensor(wrongExpOp, [x], {});

/** Right in the first order; the rule's own gradient is not that of a cube. */
const wrongSecond = customGradient(
  function cube(x) {
    return x.mul(x).mul(x);
  },
  (gradient, [x]) => [
    gradient
      .mul(3)
      .mul((x as Tensor).detach())
      .mul(x as Tensor),
  ],
);

async function disagreement(target: Checkable, inputs: Inputs, options = {}): Promise<ChainruleError> {
  const error = await gradcheck(target, inputs, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, 'the check must fail').toBeInstanceOf(ChainruleError);
  return error as ChainruleError;
}

describe('gradcheck of functions', () => {
  it('passes what is right, and says how close it came', async () => {
    const fn = (a: Tensor, b: Tensor) => a.matmul(b).tanh().logSoftmax();
    const { compared, worst } = await gradcheck(fn, [
      [2, 3],
      [3, 4],
    ]);
    expect(compared).toBe(6 + 12);
    expect(worst?.error).toBeLessThan(1e-9);
    expect(worst?.error).toBeGreaterThan(0);
    const second = await gradcheck(
      fn,
      [
        [2, 3],
        [3, 4],
      ],
      { second: true },
    );
    expect(second.compared).toBe(2 * (6 + 12));
  });

  it('takes tensors of any dtype, intervals, several results, and inputs of no elements', async () => {
    const fn = (x: Tensor, index: Tensor, y: Tensor) => [x.gather(index).log(), y.sqrt().sum(), x.div(2)];
    const inputs = [tensor([1, 2, 3]), tensor(Int32Array.of(2, 0, 2)), { shape: [2], low: 0.5, high: 3 }];
    expect((await gradcheck(fn, inputs)).compared).toBe(5);
    expect(await gradcheck((x) => x.exp(), [[0]])).toEqual({ compared: 0, worst: undefined });
  });

  it('is not misled by kinks and steep places near an entry', async () => {
    const x = tensor(Float64Array.of(1e-4, -1e-4, 1e-3, 1.0001));
    await gradcheck((y) => y.relu().add(y.abs()).add(y.maximum(1)), [x]);
    await gradcheck((y) => y.log(), [tensor(Float64Array.of(1e-3, 1e3))]);
  });

  it('checks functions with dropout, and random numbers outside of them', async () => {
    await gradcheck((x) => cr.dropout(x.square(), 0.5).add(cr.uniform([4], 'float64').mul(x)), [[4]]);
  });

  it('checks chosen entries, and draws other numbers for another seed', async () => {
    expect((await gradcheck((x) => x.sin(), [[100]], { entries: 7 })).compared).toBe(7);
    const worst = async (seed: number) => (await gradcheck((x) => x.sin(), [[5]], { seed })).worst;
    expect(await worst(1)).toEqual(await worst(1));
    expect(await worst(1)).not.toEqual(await worst(2));
  });

  it('names the entry and the custom gradient that is wrong', async () => {
    const square = customGradient(
      function square(x) {
        return x.mul(x);
      },
      (gradient, [x]) => [gradient.mul(x as Tensor)],
    );
    const error = await disagreement((x, y) => square(x.add(y).sin()).mul(3).exp().sum(), [[2, 2], [2]]);
    const found = error.received as Disagreement;
    expect(error.op).toBe('gradcheck');
    expect(found.order).toBe(1);
    expect(found.culprit).toMatchObject({ op: 'customGradient of square', input: 'input 0' });
    expect(found.culprit?.analytic).toBeCloseTo((found.culprit?.numeric as number) / 2, 8);
    expect(error.message).toMatch(
      /^gradcheck: the gradient of input [01] at \[[01](,[01])?\] is \S+, but differences give \S+ \(relative error 0\.50\)\. The rule of customGradient of square disagrees: that of input 0 at \[[01],[01]\] is \S+, but differences give \S+ \(relative error 0\.50\)$/,
    );
  });

  it('names the op whose record is wrong, in the middle of right ones', async () => {
    const error = await disagreement((x) => wrongExp(x.mul(0.5).tanh()).sum(0).logSumExp(), [[3, 2]]);
    expect((error.received as Disagreement).culprit?.op).toBe('wrongExp');
    expect(error.message).toContain('The rule of wrongExp disagrees: that of input 0 at [');
  });

  it('finds a rule that is wrong for one entry alone', async () => {
    const corner: Shape = [3, 3];
    const fn = customGradient(
      (x) => x.exp(),
      (gradient, _, output) => [
        gradient.mul(output).mul(tensor([1, 1, 1, 1, 1, 1, 1, 1.001, 1], f64).reshape(corner)),
      ],
    );
    const found = (await disagreement((x) => fn(x), [corner])).received as Disagreement;
    expect([found.input, found.entry]).toEqual(['input 0', [2, 1]]);
    expect(found.error).toBeCloseTo(1e-3, 5);
  });

  it('finds a rule that is wrong in the second order alone', async () => {
    expect((await gradcheck((x) => wrongSecond(x), [[3]])).compared).toBe(3);
    const error = await disagreement((x) => wrongSecond(x), [[3]], { second: true });
    expect(error.message).toContain('the second-order gradient of input 0');
    expect((error.received as Disagreement).order).toBe(2);
  });

  it('says through which ops no gradient flows when every rule is right', async () => {
    const error = await disagreement((x) => x.mul(x.detach()), [[2]]);
    expect(error.message).toContain(
      'Every op on the way agrees with its own differences; no gradient flows through stopGradient',
    );
  });

  it('takes a derivative that is no number for a disagreement', async () => {
    const error = await disagreement((x) => x.sqrt(), [tensor(Float64Array.of(0, 1))]);
    expect(error.message).toContain('the gradient of input 0 at [0] is Infinity, but differences give NaN');
  });
});

describe('gradcheck of layers', () => {
  it('checks the parameters as well', async () => {
    const layer = new nn.Linear(3, 2, f64).init(1);
    const { compared } = await gradcheck(layer, [[4, 3]], { second: true });
    expect(compared).toBe(2 * (12 + 6 + 2));
    const net = new nn.Sequential(
      new nn.Conv2d(1, 2, 3, f64),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
    );
    expect((await gradcheck(net, [[1, 6, 6, 1]])).compared).toBe(36 + 18 + 2);
  });

  it('checks layers that keep statistics, drop at random, attend, or run over time', async () => {
    const layers: readonly [nn.Module, Shape][] = [
      [new nn.BatchNorm1d(3, f64), [4, 3]],
      [new nn.Sequential(new nn.Linear(3, 4, f64), new nn.Dropout(0.5)), [4, 3]],
      [new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 5, ...f64 }), [2, 3, 4]],
      [new nn.LSTM(2, 3, f64), [2, 3, 2]],
    ];
    for (const [layer, shape] of layers) {
      const { compared } = await gradcheck(layer, [shape]);
      const size = shape.reduce((a, b) => a * b, 1);
      expect(compared).toBe(layer.parameters().reduce((sum, parameter) => sum + parameter.size, size));
    }
  });

  it('leaves the layer as it was', async () => {
    const layer = new nn.Linear(2, 1, f64).init(1);
    const before = layer.weight.storage.data.slice();
    await gradcheck(layer, [[1, 2]]);
    expect(layer.weight.storage.data).toEqual(before);
  });

  it("names a user's parameter that gets no gradient", async () => {
    class Scale extends nn.Module {
      factor = new nn.Parameter([3], { init: nn.init.uniform(1, 2), ...f64 });
      forward(x: Tensor): Tensor {
        return x.mul(this.factor.detach());
      }
    }
    const found = (await disagreement(new Scale(), [[2, 3]])).received as Disagreement;
    expect(found).toMatchObject({ input: 'factor', analytic: 0, cut: ['stopGradient'] });
  });
});

describe('the errors of gradcheck', () => {
  const bad = (value: unknown) => value as never;
  const same = (x: Tensor) => x;
  const calls: readonly [string, () => Promise<unknown>, string][] = [
    [
      'no list',
      () => gradcheck((x) => x, bad(3)),
      'gradcheck: inputs must be an array of tensors and shapes, got 3',
    ],
    [
      'a bad input',
      () => gradcheck((x) => x, [bad(3)]),
      'gradcheck: inputs must be an array of tensors and shapes, got [3]',
    ],
    [
      'a bad shape',
      () => gradcheck((x) => x, [[-1]]),
      'gradcheck: inputs must be an array of tensors and shapes, got [[-1]]',
    ],
    [
      'an empty interval',
      () => gradcheck((x) => x, [{ shape: [2], low: 1, high: 1 }]),
      'gradcheck: low must be less than high for [2], got [1,1]',
    ],
    [
      'no target',
      () => gradcheck(bad({}), []),
      'gradcheck: target must be a function of tensors or a layer, got an object',
    ],
    [
      'no result',
      () =>
        gradcheck(
          bad(() => 1),
          [[1]],
        ),
      'gradcheck: the target must return tensors, got 1',
    ],
    [
      'a float32 result',
      () => gradcheck((x) => x.to('float32'), [[1]]),
      'gradcheck: the value must be float64, got float32',
    ],
    [
      'float32 parameters',
      () => gradcheck(new nn.Linear(1, 1), [[1, 1]]),
      "gradcheck: weight must be float64; make the layer with { dtype: 'float64' }, got float32",
    ],
    [
      'a layer without parameters',
      () => gradcheck(bad({ forward: same }), []),
      'gradcheck: target must be a function of tensors or a layer, got an object',
    ],
    [
      'the name that PyTorch has for a tolerance',
      () => gradcheck(same, [[1]], bad({ rtol: 1e-3 })),
      'gradcheck: unknown option rtol; did you mean relative?',
    ],
    [
      'an unknown key of an input',
      () => gradcheck(same, [bad({ shape: [1], min: 0 })]),
      'gradcheck: unknown option inputs[0].min; did you mean inputs[0].low?',
    ],
    [
      'no entries',
      () => gradcheck((x) => x, [[1]], { entries: 0 }),
      'gradcheck: entries must be a positive integer, got 0',
    ],
    [
      'a tolerance of 0',
      () => gradcheck((x) => x, [[1]], { relative: 0 }),
      'gradcheck: relative must be a positive number, got 0',
    ],
  ];
  it.each(calls)('say what is wrong with %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

import * as cr from 'chainrule';
import { compile, grad, nn, type Shape, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { input } from '#lib/graph/leaf.js';
import { erf } from '../helpers/cases/transcendental.js';
import { checkLayer } from '../helpers/check-layer.js';
import { checkOp, type Fn, type InputSpec } from '../helpers/check-op.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { kernelsOf, planOf } from '../helpers/graphs.js';
import { at, build, mapPlain, type Plain } from '../helpers/naive/naive.js';
import { describeRecorded, describeRecordedLayers } from '../helpers/recorded.js';

const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;

describeRecorded('activations', {
  sigmoid: one(cr.sigmoid),
  tanh: one(cr.tanh),
  relu: one(cr.relu),
  leakyRelu: one((x) => cr.leakyRelu(x)),
  relu6: one((x) => x.relu6()),
  hardTanh: one((x) => x.hardTanh()),
  'hardTanh -2 to 0.5': one((x) => cr.hardTanh(x, -2, 0.5)),
  hardSigmoid: one((x) => x.hardSigmoid()),
  hardSwish: one((x) => x.hardSwish()),
  elu: one((x) => x.elu()),
  'elu 0.3': one((x) => cr.elu(x, 0.3)),
  celu: one((x) => x.celu()),
  'celu 2': one((x) => cr.celu(x, 2)),
  selu: one((x) => x.selu()),
  gelu: one((x) => x.gelu()),
  'gelu tanh': one((x) => cr.gelu(x, { approximate: 'tanh' })),
  silu: one((x) => x.silu()),
  mish: one((x) => x.mish()),
  softplus: one((x) => x.softplus()),
  'softplus 2 threshold 5': one((x) => cr.softplus(x, { beta: 2, threshold: 5 })),
  logSigmoid: one((x) => x.logSigmoid()),
  softsign: one((x) => x.softsign()),
  glu: one((x) => x.glu()),
  'glu 0': one((x) => cr.glu(x, 0)),
  'glu far out': one(cr.glu),
  prelu: ((x: Tensor, w: Tensor) => x.prelu(w)) as Fn,
  'prelu of channels': cr.prelu as Fn,
  'softmax far out': one((x) => cr.softmax(x)),
  'logSoftmax far out': one((x) => cr.logSoftmax(x)),
});

describeRecordedLayers('activation_layers', {
  ReLU6: () => new nn.ReLU6(),
  PReLU: () => new nn.PReLU(),
  'PReLU of channels': () => new nn.PReLU(5, { init: 0.1 }),
  ELU: () => new nn.ELU(),
  'ELU with alpha': () => new nn.ELU(0.7),
  CELU: () => new nn.CELU(1.5),
  SELU: () => new nn.SELU(),
  Hardtanh: () => new nn.Hardtanh(-1.5, 2),
  Hardsigmoid: () => new nn.Hardsigmoid(),
  Hardswish: () => new nn.Hardswish(),
  LogSigmoid: () => new nn.LogSigmoid(),
  Softsign: () => new nn.Softsign(),
  Softplus: () => new nn.Softplus(),
  'Softplus with options': () => new nn.Softplus({ beta: 3, threshold: 4 }),
  GELU: () => new nn.GELU(),
  'GELU with tanh': () => new nn.GELU({ approximate: 'tanh' }),
  SiLU: () => new nn.SiLU(),
  Mish: () => new nn.Mish(),
  'Softmax on axis 0': () => new nn.Softmax(0),
  'LogSoftmax on axis 0': () => new nn.LogSoftmax(0),
  GLU: () => new nn.GLU(),
  'GLU on axis 0': () => new nn.GLU(0),
});

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const ramp = (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1);
const eluOf = (alpha: number, rate: number) => (x: number) => (x > 0 ? x : alpha * (Math.exp(rate * x) - 1));
const softplusOf = (x: number) => Math.log(1 + Math.exp(x));

/** Name, function, definition, and stretches without a kink. */
type Curve = readonly [
  name: string,
  fn: Fn,
  definition: (x: number) => number,
  ...pieces: [number, number][],
];
const curves: readonly Curve[] = [
  ['relu6', one(cr.relu6), (x) => Math.min(Math.max(x, 0), 6), [-3, -0.1], [0.1, 5.9], [6.1, 9]],
  [
    'hardTanh',
    one((x) => cr.hardTanh(x, -2, 1)),
    (x) => Math.min(Math.max(x, -2), 1),
    [-4, -2.1],
    [-1.9, 0.9],
    [1.1, 3],
  ],
  ['hardSigmoid', one(cr.hardSigmoid), ramp, [-5, -3.1], [-2.9, 2.9], [3.1, 5]],
  ['hardSwish', one(cr.hardSwish), (x) => x * ramp(x), [-5, -3.1], [-2.9, 2.9], [3.1, 5]],
  ['elu', one((x) => cr.elu(x, 0.7)), eluOf(0.7, 1), [-4, -0.1], [0.1, 4]],
  ['elu of alpha 1', one((x) => cr.elu(x)), eluOf(1, 1), [-4, -0.1]],
  ['celu', one((x) => cr.celu(x, 1.5)), eluOf(1.5, 1 / 1.5), [-4, -0.1], [0.1, 4]],
  // Constants of the paper.
  ['selu', one(cr.selu), (x) => 1.0507009873554805 * eluOf(1.6732632423543772, 1)(x), [-4, -0.1], [0.1, 4]],
  ['gelu', one((x) => cr.gelu(x)), (x) => (x * (1 + erf(x / Math.SQRT2))) / 2, [-4, 4]],
  [
    'gelu tanh',
    one((x) => cr.gelu(x, { approximate: 'tanh' })),
    (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
    [-4, 4],
  ],
  ['silu', one(cr.silu), (x) => x * logistic(x), [-6, 6]],
  ['mish', one(cr.mish), (x) => x * Math.tanh(softplusOf(x)), [-6, 6]],
  ['softplus', one((x) => cr.softplus(x)), softplusOf, [-6, 6]],
  [
    'softplus with options',
    one((x) => cr.softplus(x, { beta: 2, threshold: 4 })),
    (x) => (2 * x > 4 ? x : softplusOf(2 * x) / 2),
    [-4, 1.9],
    [2.1, 4],
  ],
  ['logSigmoid', one(cr.logSigmoid), (x) => Math.log(logistic(x)), [-6, 6]],
  ['softsign', one(cr.softsign), (x) => x / (1 + Math.abs(x)), [-4, -0.1], [0.1, 4]],
];

describe('activations in float64 against their definitions and differences', () => {
  const checks = curves.flatMap(([name, fn, definition, ...pieces]) =>
    pieces.flatMap(([low, high]) =>
      ([[], [1], [0], [3, 5]] as Shape[]).map(
        (shape) =>
          [name, `[${low}, ${high}], shape [${shape}]`, fn, definition, { shape, low, high }] as const,
      ),
    ),
  );
  it.each(checks)('%s on %s', async (name, _, fn, definition, spec: InputSpec) => {
    await checkOp(name, fn, [spec], { reference: (x) => mapPlain(definition, x) });
  });

  const halves = (axis: number) => (x: Plain) => {
    const length = (x.shape[axis] as number) / 2;
    return build(
      x.shape.map((size, i) => (i === axis ? length : size)),
      (index) => {
        const gate = index.map((place, i) => (i === axis ? place + length : place));
        return at(x, index) * logistic(at(x, gate));
      },
    );
  };
  it('glu on the last axis, and on another one', async () => {
    await checkOp(
      'glu',
      one((x) => cr.glu(x)),
      [[3, 4]],
      { reference: halves(1) },
    );
    await checkOp(
      'glu 0',
      one((x) => cr.glu(x, 0)),
      [[2, 3]],
      { reference: halves(0) },
    );
    await checkOp(
      'glu of nothing',
      one((x) => cr.glu(x)),
      [[3, 0]],
      { reference: halves(1) },
    );
  });

  it.each<[string, Shape, Shape]>([
    ['of one slope', [2, 3], [1]],
    ['of channels', [2, 3, 4], [4]],
    ['of a number', [], [1]],
  ])('prelu %s', async (name, shape, slopes) => {
    const reference = (x: Plain, w: Plain) => {
      const spread = mapPlain((value, slope) => (value > 0 ? value : value * slope), x, w);
      return { ...spread, shape };
    };
    await checkOp(`prelu ${name}`, cr.prelu as Fn, [shape, slopes], { reference });
  });

  it('PReLU, with its slopes', async () => {
    await checkLayer('PReLU', () => new nn.PReLU(3, { dtype: 'float64' }), [[4, 3]]);
    expect([...new nn.PReLU(2).weight.storage.data]).toEqual([0.25, 0.25]);
  });
});

describe('activations far out', () => {
  const every: Record<string, Fn> = {
    sigmoid: one(cr.sigmoid),
    tanh: one(cr.tanh),
    relu: one(cr.relu),
    leakyRelu: one((x) => cr.leakyRelu(x)),
    softmax: one((x) => cr.softmax(x)),
    logSoftmax: one((x) => cr.logSoftmax(x)),
    'softplus without a threshold': one((x) => cr.softplus(x, { threshold: Number.POSITIVE_INFINITY })),
    'softplus of beta 1e-3': one((x) => cr.softplus(x, { beta: 1e-3 })),
    'glu of itself': one((x) => cr.glu(cr.concat([x, x], -1))),
    'prelu of one slope': one((x) => cr.prelu(x, tensor([0.5]).to(x.dtype))),
    ...Object.fromEntries(curves.map(([name, fn]) => [name, fn])),
  };
  const far = [-1e6, -1e4, -1e3, -200, -100, -50, 50, 100, 200, 1e3, 1e4, 1e6];

  it.each(Object.entries(every))(
    '%s has finite values, gradients and second-order gradients, the same in float32 as in float64',
    async (_, fn) => {
      const run = compile((x: Tensor) => {
        const y = fn(x);
        const weights = cr.arange(y.size, x.dtype).add(1).reshape(y.shape);
        const [slope] = grad(y.mul(weights).sum(), [x]) as [Tensor];
        const [bend] = grad(slope.mul(weights).sum(), [x]) as [Tensor];
        return [y, slope, bend];
      });
      const results = await Promise.all(
        [Float32Array, Float64Array].map(async (Floats) => {
          const outputs = await run(tensor(Floats.from(far)));
          return Promise.all(outputs.map(async (output) => [...(await output.data())]));
        }),
      );
      run.release();
      const [single, double] = results as [number[][], number[][]];
      double.forEach((list, order) => {
        list.forEach((value, i) => {
          const found = single[order]?.[i] as number;
          expect(Number.isFinite(found), `element ${i} of derivative ${order} is ${found}`).toBe(true);
          expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
        });
      });
    },
  );

  it.each(Object.entries(every))('%s passes NaN on', async (_, fn) => {
    const values = await fn(tensor([Number.NaN, 1])).data();
    expect(values[0]).toBeNaN();
  });
});

describe('activations in plans', () => {
  const x = input('x', [8, 16]);
  const forward = [...curves.map(([name, fn]) => [name, fn] as const)];
  it.each(forward)('%s is one step forward, and one for its gradient', (_, fn) => {
    expect(kernelsOf(planOf({ inputs: [x], outputs: [fn(x)] }))).toHaveLength(1);
    const seed = input('seed', [8, 16]);
    const slopes = grad(fn(x).mul(seed).sum(), [x]);
    expect(kernelsOf(planOf({ inputs: [x, seed], outputs: slopes }))).toHaveLength(1);
  });
});

const whole = tensor(Int32Array.of(1, 2));
const x = tensor([1, 2, 3]);
const notFloat = 'needs float32 or float64; cast it first, got int32';
const { relu6, hardTanh, hardSigmoid, hardSwish, elu, celu, selu } = cr;
const { gelu, silu, mish, softplus, logSigmoid, softsign, glu } = cr;
const rectifiers = { relu6, hardTanh, hardSigmoid, hardSwish, elu, celu, selu };
const ofFloats = { ...rectifiers, gelu, silu, mish, softplus, logSigmoid, softsign, glu };
const bad: BadCall[] = [
  ...Object.entries(ofFloats).map(unfit),
  [
    'hardTanh upside down',
    () => cr.hardTanh(x, 2, 1),
    'hardTanh: low must not be greater than high, got [2,1]',
  ],
  [
    'Hardtanh upside down',
    () => new nn.Hardtanh(2, 1),
    'Hardtanh: low must not be greater than high, got [2,1]',
  ],
  ['elu of NaN', () => cr.elu(x, Number.NaN), 'elu: alpha must be a finite number, got NaN'],
  ['ELU of infinity', () => new nn.ELU(1 / 0), 'ELU: alpha must be a finite number, got Infinity'],
  ['celu of 0', () => cr.celu(x, 0), 'celu: alpha must be a finite number other than 0, got 0'],
  ['CELU of 0', () => new nn.CELU(0), 'CELU: alpha must be a finite number other than 0, got 0'],
  ['LeakyReLU of NaN', () => new nn.LeakyReLU(0 / 0), 'LeakyReLU: slope must be a finite number, got NaN'],
  [
    'gelu by another way',
    () => cr.gelu(x, { approximate: 'erf' as 'none' }),
    "gelu: approximate must be 'none' or 'tanh', got erf",
  ],
  [
    'GELU by another way',
    () => new nn.GELU({ approximate: 'erf' as 'none' }),
    "GELU: approximate must be 'none' or 'tanh', got erf",
  ],
  [
    'softplus of no beta',
    () => cr.softplus(x, { beta: 0 }),
    'softplus: beta must be a positive number, got 0',
  ],
  [
    'Softplus of no threshold',
    () => new nn.Softplus({ threshold: Number.NaN }),
    'Softplus: threshold must be a number, got NaN',
  ],
  ['glu of three', () => cr.glu(x), 'glu: axis 0 must have an even length, got 3'],
  ['glu on a wrong axis', () => cr.glu(x, 1), 'glu: axis must be an integer from -1 to 0, got 1'],
  [
    'prelu of two slopes for three',
    () => cr.prelu(x, tensor([1, 2])),
    'prelu: weight must be [1], or as long as the last axis, got [2] for an input of [3]',
  ],
  [
    'prelu of a matrix of slopes',
    () => cr.prelu(x, tensor([[1]])),
    'prelu: weight must be [1], or as long as the last axis, got [1,1] for an input of [3]',
  ],
  ['PReLU of nothing', () => new nn.PReLU(0), 'PReLU: numParameters must be a positive integer, got 0'],
];

function unfit([name, fn]: [string, (x: Tensor) => Tensor]): BadCall {
  return [`${name} of integers`, () => fn(whole), `${name}: ${notFloat}`];
}

describe('a bad argument of an activation', () => {
  it.each(bad)('%s', (_, call, message) => {
    expectBadCall(call, message, 'activations.test.ts');
  });
});

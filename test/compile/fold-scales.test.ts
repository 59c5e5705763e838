import { compile, nn, ones, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { foldScales } from '#lib/compile/rewrite/fold-scales.js';
import { hoist } from '#lib/compile/rewrite/hoist.js';
import { simplify } from '#lib/compile/rewrite/simplify.js';
import { input } from '#lib/graph/leaf.js';
import { reachable } from '#lib/graph/tensor.js';
import { leafLike } from '#lib/runtime/inference/snapshot.js';

const dtype = 'float64';
const wave = (shape: readonly number[], phase: number) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, i) => Math.sin(phase + 1.7 * i)),
    { shape },
  );
};

/** The element-wise ops that a graph runs in each call, once settled values are taken out. */
function opsInCalls(...roots: Tensor[]): string[] {
  const { roots: left } = hoist(foldScales(simplify(roots)), leafLike);
  return reachable(left)
    .filter(({ op }) => op.kernel.family === 'map')
    .map(({ op }) => op.kind);
}

/** Gives a batch norm statistics and parameters other than 0 and 1. */
function seen<M extends nn.Module>(model: M): M {
  model.init(1).eval();
  for (const [path, { storage }] of [...model.namedParameters(), ...model.namedBuffers()]) {
    if (!/running|bn|weight|bias/.test(path)) continue;
    storage.data.forEach((_, i, values) => {
      values[i] = path.endsWith('running_var') ? 0.5 + (i % 3) : Math.cos(1 + 2.3 * i + path.length);
    });
  }
  return model;
}

const norm = { dtype } as const;

const cases: readonly (readonly [string, readonly number[], () => readonly nn.Module[]])[] = [
  ['Linear', [5, 6], () => [new nn.Linear(6, 4, { dtype }), new nn.BatchNorm1d(4, norm)]],
  ['Linear of sequences', [2, 5, 6], () => [new nn.Linear(6, 4, { dtype }), new nn.BatchNorm1d(4, norm)]],
  [
    'Linear without a bias',
    [1, 6],
    () => [new nn.Linear(6, 4, { dtype, bias: false }), new nn.BatchNorm1d(4, norm)],
  ],
  ['Conv1d', [2, 9, 4], () => [new nn.Conv1d(4, 6, 3, { dtype, groups: 2 }), new nn.BatchNorm1d(6, norm)]],
  [
    'Conv2d',
    [2, 7, 6, 3],
    () => [new nn.Conv2d(3, 5, 3, { dtype, padding: 1 }), new nn.BatchNorm2d(5, norm)],
  ],
  [
    'grouped Conv2d',
    [2, 7, 6, 4],
    () => [new nn.Conv2d(4, 6, 3, { dtype, groups: 2 }), new nn.BatchNorm2d(6, norm)],
  ],
  [
    'depthwise Conv2d',
    [2, 7, 6, 4],
    () => [new nn.Conv2d(4, 4, 3, { dtype, groups: 4 }), new nn.BatchNorm2d(4, norm)],
  ],
  [
    'depthwise Conv2d with a multiplier',
    [2, 7, 6, 4],
    () => [new nn.Conv2d(4, 8, 3, { dtype, groups: 4, stride: 2 }), new nn.BatchNorm2d(8, norm)],
  ],
  [
    'Conv2d of one channel',
    [2, 7, 6, 4],
    () => [new nn.Conv2d(4, 1, 3, { dtype }), new nn.BatchNorm2d(1, norm)],
  ],
  [
    'Conv3d',
    [2, 4, 5, 6, 2],
    () => [new nn.Conv3d(2, 3, 3, { dtype, padding: 1 }), new nn.BatchNorm3d(3, norm)],
  ],
  [
    'ConvTranspose1d',
    [2, 5, 4],
    () => [new nn.ConvTranspose1d(4, 6, 3, { dtype, stride: 2 }), new nn.BatchNorm1d(6, norm)],
  ],
  [
    'ConvTranspose2d',
    [2, 5, 4, 4],
    () => [new nn.ConvTranspose2d(4, 6, 3, { dtype, stride: 2, groups: 2 }), new nn.BatchNorm2d(6, norm)],
  ],
  [
    'two batch norms',
    [2, 6],
    () => [
      new nn.Linear(6, 4, { dtype }),
      new nn.BatchNorm1d(4, norm),
      new nn.BatchNorm1d(4, { dtype, affine: false }),
    ],
  ],
  [
    'a batch norm before a Linear',
    [5, 6],
    () => [new nn.BatchNorm1d(6, norm), new nn.Linear(6, 4, { dtype })],
  ],
  [
    'a batch norm before a Linear of sequences',
    [2, 5, 6],
    () => [new nn.BatchNorm1d(6, norm), new nn.Linear(6, 4, { dtype })],
  ],
  [
    'batch norms on both sides',
    [5, 6],
    () => [new nn.BatchNorm1d(6, norm), new nn.Linear(6, 4, { dtype }), new nn.BatchNorm1d(4, norm)],
  ],
];

describe('a batch norm is folded', () => {
  it.each(cases)('into %s', async (_, shape, layers) => {
    const model = seen(new nn.Sequential(...layers(), new nn.ReLU()));
    const x = input('x', shape, dtype);
    // Nothing but sums is left, one or two of them.
    expect(new Set(opsInCalls(model.forward(x)))).toEqual(new Set(['add', 'relu']));
    const fn = (value: Tensor) => model.forward(value);
    const given = wave(shape, 1);
    const expected = await (await compile(fn)(given)).data();
    const found = await (await compile(fn, { inference: true })(given)).data();
    const largest = Math.max(...expected.map(Math.abs));
    expect(largest).toBeGreaterThan(0.1);
    found.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-13 * largest);
    });
  });
});

describe('nothing is folded', () => {
  const x = input('x', [2, 6], dtype);
  const linear = new nn.Linear(6, 4, { dtype });
  const bn = seen(new nn.BatchNorm1d(4, norm));

  it('where something else reads the values between', () => {
    const hidden = linear.forward(x);
    expect(opsInCalls(bn.forward(hidden), hidden)).toContain('mul');
    expect(opsInCalls(bn.forward(hidden), hidden.relu())).toContain('mul');
    expect(opsInCalls(bn.forward(hidden).add(hidden))).toContain('mul');
  });

  it('of scales along another axis, of one for each element, or that change', () => {
    const hidden = linear.forward(x);
    const perRow = new nn.Parameter([2, 1], { init: nn.init.ones, dtype });
    const each = new nn.Parameter([2, 4], { init: nn.init.ones, dtype });
    for (const scale of [perRow, each, x.sum()]) {
      expect(opsInCalls(hidden.mul(scale))).toContain('mul');
    }
  });

  it('of numbers alone, nor of sums, so that the bits stay', () => {
    expect(opsInCalls(linear.forward(x).mul(3).add(1))).toEqual(['add', 'mul', 'add']);
    const [shift] = [new nn.Parameter([6], { init: nn.init.ones, dtype })];
    expect(opsInCalls(linear.forward(x.add(shift)))).toEqual(['add', 'add']);
  });

  it('into a product with a weight that changes', () => {
    expect(opsInCalls(bn.forward(x.matmul(x.sum().mul(ones([6, 4], dtype)))))).toContain('mul');
  });
});

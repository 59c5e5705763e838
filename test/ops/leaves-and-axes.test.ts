import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import { describe, expect, it } from 'vitest';
import { checkOp, type Fn } from '../helpers/check-op.js';
import { report } from '../helpers/report.js';

const on = (f: (x: Tensor) => Tensor): Fn => f as Fn;

describe('leaves', () => {
  const held: [name: string, leaf: Tensor, shape: number[], values: number[]][] = [
    ['full of a fraction', cr.full([2, 3], 0.1, 'float64'), [2, 3], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1]],
    ['full of integers', cr.full([2], -7, 'int32'), [2], [-7, -7]],
    ['full of nothing', cr.full([0, 3], 1), [0, 3], []],
    ['zeros', cr.zeros([3]), [3], [0, 0, 0]],
    ['ones', cr.ones([]), [], [1]],
    [
      'tensor of nested lists',
      cr.tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      'tensor of a typed array',
      cr.tensor(Int32Array.of(1, -2, 3, 4), { shape: [2, 2] }),
      [2, 2],
      [1, -2, 3, 4],
    ],
    ['tensor of one number', cr.tensor(2.5), [], [2.5]],
  ];
  it.each(held)('%s holds its values', async (name, leaf, shape, values) => {
    expect(leaf.shape).toEqual(shape);
    expect([...(await leaf.data())]).toEqual(values);
    report(name, 'value');
  });
});

describe('axes of length 1', () => {
  it('unsqueeze adds one, anywhere', async () => {
    for (const [axis, shape] of [
      [0, [1, 2, 3]],
      [1, [2, 1, 3]],
      [-1, [2, 3, 1]],
    ] as const) {
      await checkOp(
        'unsqueeze',
        on((x) => cr.unsqueeze(x, axis)),
        [[2, 3]],
        {
          reference: ({ data }) => ({ shape, data }),
        },
      );
    }
  });

  it('squeeze drops one, anywhere', async () => {
    for (const [axis, shape] of [
      [0, [1, 2, 3]],
      [1, [2, 1, 3]],
      [-1, [2, 3, 1]],
    ] as const) {
      await checkOp(
        'squeeze',
        on((x) => cr.squeeze(x, axis)),
        [shape],
        {
          reference: ({ data }) => ({ shape: [2, 3], data }),
        },
      );
    }
  });
});

describe('compositions of movements and products', () => {
  const cases: [name: string, f: (x: Tensor) => Tensor, shape: number[], order: number[]][] = [
    ['transpose', (x) => cr.transpose(x), [3, 2], [0, 3, 1, 4, 2, 5]],
    ['flatten', (x) => cr.flatten(x), [6], [0, 1, 2, 3, 4, 5]],
  ];
  it.each(cases)('%s moves what it should', async (name, f, shape, order) => {
    await checkOp(name, on(f), [[2, 3]], {
      reference: ({ data }) => ({ shape, data: order.map((i) => data[i] as number) }),
    });
  });

  it('square is a product with itself', async () => {
    await checkOp('square', on(cr.square), [[2, 3]], {
      reference: ({ shape, data }) => ({ shape, data: data.map((v) => v * v) }),
    });
  });
});

import * as cr from 'chainrule';
import { allReduce, mergeMoments } from '#lib/ops/primitives/all-reduce.js';
import { identity } from '#lib/ops/primitives/identity.js';
import type { CheckOptions } from '../check-op.js';
import { at, build, mapPlain } from '../naive/naive.js';
import type { OpCase, OpCases } from './elementwise.js';

const shapes: readonly cr.Shape[] = [[], [1], [0], [3, 5]];

/** The logarithm of 1 + e ** x, with the gradient that does not overflow (the example of JAX's documentation). */
const softplus = cr.customGradient(
  (x) => cr.log(cr.add(cr.exp(x), 1)),
  (gradient, [x]) => cr.mul(gradient, cr.sigmoid(x as cr.Tensor)),
);

const product = cr.customGradient(
  (a, b) => cr.matmul(a, b),
  (gradient, [a, b]) => [
    cr.matmul(gradient, b as cr.Tensor, { transposeB: true }),
    cr.matmul(a as cr.Tensor, gradient, { transposeA: true }),
  ],
);

/** By its value, so that the rule differentiates the node itself for the second order. */
const exponential = cr.customGradient(
  (x) => cr.exp(x),
  (gradient, _, output) => [cr.mul(gradient, output)],
);

const elementwise = (fn: (x: number) => number): CheckOptions => ({ reference: (x) => mapPlain(fn, x) });

/** Ops that have the value of their first input. */
export const identityCases: OpCases = {
  identity: shapes.map((shape) => ({
    fn: (x) => cr.mul(identity(x as cr.Tensor), identity(x as cr.Tensor)),
    inputs: [shape],
    options: elementwise((x) => x * x),
  })),
  // Of a shard that is the batch.
  allReduce: shapes.map((shape) => ({
    fn: (x) => cr.mul(allReduce(x as cr.Tensor), allReduce(x as cr.Tensor)),
    inputs: [shape],
    options: elementwise((x) => x * x),
  })),
  mergeMoments: [[1, 3], [3], [1, 70]].map((shape) => ({
    fn: (x, y) => {
      const { mean, variance } = mergeMoments({ mean: x as cr.Tensor, variance: y as cr.Tensor }, 4);
      return cr.mul(mean, variance);
    },
    inputs: [shape, shape],
    options: { reference: (x, y) => build(shape, (index) => at(x, index) * at(y, index)) },
  })),
  customGradient: [
    ...shapes.map(
      (shape): OpCase => ({
        fn: (x) => softplus(x as cr.Tensor),
        inputs: [shape],
        options: elementwise((x) => Math.log(1 + Math.exp(x))),
      }),
    ),
    { fn: (x) => exponential(x as cr.Tensor), inputs: [[3, 2]], options: elementwise(Math.exp) },
    {
      fn: (a, b) => product(a as cr.Tensor, b as cr.Tensor),
      inputs: [
        [2, 3],
        [3, 4],
      ],
      options: {
        reference: (a, b) =>
          build([2, 4], ([i = 0, j = 0]) =>
            [0, 1, 2].reduce((sum, k) => sum + at(a, [i, k]) * at(b, [k, j]), 0),
          ),
      },
    },
  ],
};

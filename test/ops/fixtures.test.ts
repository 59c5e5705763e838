import type { Tensor } from 'chainrule';
import * as cr from 'chainrule';
import type { Fn } from '../helpers/check-op.js';
import { describeRecorded } from '../helpers/recorded.js';

const one = (f: (x: Tensor) => Tensor): Fn => f as Fn;
const two = (f: (a: Tensor, b: Tensor) => Tensor): Fn => f as Fn;
const labels = cr.tensor(Int32Array.of(4, 0, 4, 2, 1, 4), { shape: [2, 3] });
const T = { transposeA: true };
const U = { transposeB: true };

const convolutions: cr.ConvOptions[] = [
  {},
  { padding: 1 },
  { padding: 2 },
  { stride: [2, 3], padding: [1, 0] },
  { dilation: [2, 3], padding: [2, 3] },
  { stride: [2, 1], padding: [1, 2], dilation: [1, 2] },
  {},
  {},
];
const pools: [cr.Pair, cr.PoolOptions][] = [
  [2, {}],
  [3, { stride: 2, padding: 1 }],
  [[3, 2], { stride: [1, 2], padding: [1, 0] }],
];

const elementwise: Record<string, Fn> = {
  neg: one(cr.neg),
  abs: one(cr.abs),
  exp: one(cr.exp),
  sin: one(cr.sin),
  cos: one(cr.cos),
  tanh: one(cr.tanh),
  sigmoid: one(cr.sigmoid),
  relu: one(cr.relu),
  square: one(cr.square),
  sign: one(cr.sign),
  log: one(cr.log),
  sqrt: one(cr.sqrt),
  'leakyRelu 0.01': one((x) => cr.leakyRelu(x)),
  'leakyRelu 0.2': one((x) => cr.leakyRelu(x, 0.2)),
  'relu of zeros': one(cr.relu),
  'abs of zeros': one(cr.abs),
  'tanh and sigmoid far out': one((x) => cr.tanh(x).add(cr.sigmoid(x))),
  div: two(cr.div),
  'div broadcast': two(cr.div),
  pow: two(cr.pow),
  'pow 3': one((x) => cr.pow(x, 3)),
  'pow 0.5': one((x) => cr.pow(x, 0.5)),
  'pow of zero': two(cr.pow),
  'maximum of ties': two(cr.maximum),
  'minimum of ties': two(cr.minimum),
  where: two((a, b) => cr.where(a.gt(0), a, b)),
  'to int32': one((x) => x.to('int32')),
};
const { add, sub, mul, maximum, minimum } = cr;
for (const [name, fn] of Object.entries({ add, sub, mul, maximum, minimum })) {
  elementwise[name] = two(fn);
  elementwise[`${name} broadcast`] = two(fn);
}
const { eq, ne, lt, le, gt, ge } = cr;
for (const [name, fn] of Object.entries({ eq, ne, lt, le, gt, ge })) elementwise[name] = two(fn);

const reductions: Record<string, Fn> = {
  'max of ties': one((x) => x.max(1)),
  'sum of many': one((x) => x.sum(1)),
  argMax: one((x) => x.argMax()),
  'argMax of ties': one((x) => x.argMax()),
  logSoftmax: one((x) => x.logSoftmax()),
  'logSoftmax 0': one((x) => x.logSoftmax(0)),
  softmax: one((x) => x.softmax()),
  logSumExp: one((x) => x.logSumExp()),
  'logSumExp of large': one((x) => x.logSumExp()),
};
const { sum, mean, max } = cr;
for (const axes of [[0], [1], [2], [0, 2], [0, 1, 2]]) {
  for (const [name, fn] of Object.entries({ sum, mean, max })) {
    reductions[`${name} ${axes}`] = one((x) => fn(x, axes));
  }
}

const movement: Record<string, Fn> = {
  reshape: one((x) => x.reshape([4, -1])),
  flatten: one((x) => x.flatten(1)),
  permute: one((x) => x.permute([2, 0, 1])),
  transpose: one((x) => x.transpose(0, 2)),
  'transpose and reshape': one((x) => x.transpose(0, 2).reshape([-1])),
  slice: one((x) => x.slice([[0, 2], [1], [0, 4, 3]])),
  pad: one((x) =>
    x.pad(
      [
        [3, 1],
        [0, 0],
        [1, 2],
      ],
      0.5,
    ),
  ),
  concat: two((a, b) => cr.concat([a, b], 1)),
  expand: one((x) => x.expand([5, 3, 4])),
};

const products: Record<string, Fn> = {
  matmul: two((a, b) => cr.matmul(a, b)),
  'matmul aT': two((a, b) => cr.matmul(a, b, T)),
  'matmul bT': two((a, b) => cr.matmul(a, b, U)),
  'matmul aT bT': two((a, b) => cr.matmul(a, b, { ...T, ...U })),
  'matmul batched': two((a, b) => cr.matmul(a, b)),
  'matmul vector': two((a, b) => cr.matmul(a, b)),
  'matmul to vector': two((a, b) => cr.matmul(a, b)),
  'matmul vectors': two((a, b) => cr.matmul(a, b)),
  gather: one((table) => cr.gather(table, labels)),
  oneHot: () => cr.oneHot(labels, 6),
  'maxPool2d of ties': one((x) => cr.maxPool2d(x, 3, { stride: 2, padding: 1 })),
};
convolutions.forEach((options, i) => {
  products[`conv2d ${i}`] = two((x, w) => cr.conv2d(x, w, options));
});
pools.forEach(([size, options], i) => {
  products[`maxPool2d ${i}`] = one((x) => cr.maxPool2d(x, size, options));
  products[`avgPool2d ${i}`] = one((x) => cr.avgPool2d(x, size, options));
});

describeRecorded('ops', { ...elementwise, ...reductions, ...movement, ...products });

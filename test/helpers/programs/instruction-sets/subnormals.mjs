// Computes with subnormal numbers on the instruction set and in the mode that CHAINRULE_ISA and CHAINRULE_SUBNORMALS
// name, which hold for a whole process, and prints the results as JSON, as strings because of infinities and zeros.
import {
  atan2,
  compile,
  conv2d,
  floorDiv,
  log,
  matmul,
  mod,
  pow,
  sqrt,
  sum,
  tensor,
} from '../../../../dist/lib/published/index.js';

/** @typedef {import('chainrule').Tensor} Tensor */

/** @type {Record<string, string[]>} */
const results = {};
for (const dtype of /** @type {const} */ (['float32', 'float64'])) {
  const least = dtype === 'float32' ? 2 ** -126 : 2 ** -1022;
  const root = dtype === 'float32' ? 2 ** -65 : 2 ** -520;
  const of = (/** @type {number} */ value, /** @type {number[]} */ shape = [64]) => {
    const values = new Array(shape.reduce((size, d) => size * d, 1)).fill(value);
    return tensor(dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values), { shape });
  };
  const below = of(least / 4);
  const product = (/** @type {Tensor} */ x, /** @type {Tensor} */ y) => matmul(x, y);
  /** @type {Record<string, [Tensor[], (...x: any[]) => Tensor]>} */
  const cases = {
    'a product that is one': [[of(least)], (x) => x.mul(0.5)],
    'a difference that is one': [[of(least * 1.5), of(least)], (x, y) => x.sub(y)],
    'a quotient of one': [[below], (x) => x.div(least)],
    'a sum of several': [[below], (x) => sum(x).div(least)],
    'a comparison': [[below], (x) => x.gt(0).cast(dtype)],
    'a square root': [[below], sqrt],
    'a logarithm': [[below], log],
    'a power': [[below], (x) => pow(x, 0.5)],
    'an angle': [[below, below], atan2],
    'a remainder': [[below], (x) => mod(x, 3)],
    'a remainder by one': [[below], (x) => mod(5, x)],
    'a quotient that is rounded down': [[below], (x) => floorDiv(x, least / 4)],
    'a small matrix product': [[of(root, [4, 4]), of(root, [4, 4])], product],
    'a large matrix product': [[of(root, [96, 1]), of(root, [1, 96])], product],
    'a matrix product of terms': [[of(root, [128, 200]), of(root, [200, 128])], product],
    'a matrix times a vector': [[of(root, [64, 2]), of(root, [2, 1])], product],
    'a convolution': [[of(root, [1, 6, 6, 1]), of(root, [1, 1, 1, 4])], (x, y) => conv2d(x, y)],
  };
  for (const [name, [inputs, fn]] of Object.entries(cases)) {
    const values = await (await compile(fn)(...inputs)).data();
    results[`${dtype}: ${name}`] = [
      ...new Set([...values].map((value) => (Object.is(value, -0) ? '-0' : String(value)))),
    ];
  }
}
console.log(JSON.stringify(results));

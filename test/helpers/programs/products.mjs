// Multiplies matrices on the instruction set that CHAINRULE_ISA names, which holds for a whole process:
// `node products.mjs <list of products as JSON>` prints, for each of them, its largest error, unless it is asked for the
// bits alone, a hash of its bits, and the numbers of rows whose product has other bits than the same rows of the whole.
import { createHash } from 'node:crypto';
import { compile, matmul, permute, tensor } from '../../../dist/lib/index.js';

/** @typedef {import('../../../dist/lib/index.js').Tensor} Tensor */

/**
 * @typedef {object} Product
 * @property {number[]} [batch] leading axes of both sides
 * @property {number} m
 * @property {number} n
 * @property {number} k
 * @property {boolean} [transposeA]
 * @property {boolean} [transposeB]
 * @property {boolean} [shared] whether all products have one right side
 * @property {boolean} [heads] whether rows of the sides lie between those of other products, as attention's heads do
 * @property {boolean} [packed] whether the right side is packed before, as a snapshot for inference does
 * @property {boolean} [bits] whether the error, which takes the most time, is left out
 * @property {number[]} [rows] numbers of rows of the left side whose products are compared with those in the whole
 */

/** Numbers of -1 to 1, the same ones each time. */
const numbers = (/** @type {number} */ length, /** @type {number} */ seed) => {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
};

/**
 * The largest error of a product in units of float32's precision, relative to the sum of its terms' magnitudes.
 *
 * @param {Product} product
 * @param {Float32Array} a @param {Float32Array} b @param {ArrayLike<number>} result
 */
function largestError({ batch = [], m, n, k, transposeA, transposeB, shared }, a, b, result) {
  let worst = 0;
  const count = batch.reduce((product, size) => product * size, 1);
  for (let at = 0; at < result.length; at++) {
    const [i, j, p] = [Math.floor(at / n) % m, at % n, Math.floor(at / n / m)];
    const [left, right] = [
      p * m * k + (transposeA ? i : i * k),
      (shared ? 0 : p * k * n) + (transposeB ? j * k : j),
    ];
    let [sum, magnitude] = [0, 0];
    for (let q = 0; q < k; q++) {
      const term =
        (a[left + (transposeA ? q * m : q)] ?? Number.NaN) *
        (b[right + (transposeB ? q : q * n)] ?? Number.NaN);
      sum += term;
      magnitude += Math.abs(term);
    }
    const error = Math.abs((result[at] ?? Number.NaN) - sum) / (2 ** -23 * magnitude || 1);
    if (!(error <= worst)) worst = error;
  }
  return result.length === count * m * n ? worst : Number.NaN;
}

const bytes = (/** @type {Float32Array} */ values) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Moves the batch's last axis behind the rows, so that the rows of its products interleave. */
function interleaved(/** @type {Float32Array} */ values, /** @type {number[]} */ shape) {
  const [heads, rows, columns] = /** @type {[number, number, number]} */ (shape.slice(-3));
  return values.map((_, at) => {
    const [column, head] = [at % columns, Math.floor(at / columns) % heads];
    const [row, outer] = [Math.floor(at / columns / heads) % rows, Math.floor(at / columns / heads / rows)];
    return values[((outer * heads + head) * rows + row) * columns + column] ?? Number.NaN;
  });
}

const swap = (/** @type {readonly number[]} */ list) => [
  ...list.slice(0, -3),
  .../** @type {number[]} */ ([list.at(-2), list.at(-3)]),
  .../** @type {number[]} */ (list.slice(-1)),
];

for (const product of /** @type {Product[]} */ (JSON.parse(process.argv[2] ?? '[]'))) {
  const { batch = [], m, n, k, transposeA = false, transposeB = false, shared, heads, packed } = product;
  const shapes = [
    [...batch, ...(transposeA ? [k, m] : [m, k])],
    [...(shared ? [] : batch), ...(transposeB ? [n, k] : [k, n])],
  ];
  const sides = shapes.map((shape, i) =>
    numbers(
      shape.reduce((size, d) => size * d, 1),
      i + 1,
    ),
  );
  const [a, b] = /** @type {[Float32Array, Float32Array]} */ (sides);
  const axes = swap([...(shapes[0] ?? [])].map((_, axis) => axis));
  const plain = compile((/** @type {Tensor} */ x, /** @type {Tensor} */ y) => {
    const [left, right] = heads ? [permute(x, axes), permute(y, axes)] : [x, y];
    return matmul(left, right, { transposeA, transposeB });
  });
  const [x, y] = /** @type {[Tensor, Tensor]} */ (
    sides.map((values, i) => {
      const shape = shapes[i] ?? [];
      return heads ? tensor(interleaved(values, shape), { shape: swap(shape) }) : tensor(values, { shape });
    })
  );
  // The product stays in the arena, where another run finds what this one has left. Twice a number has its bits.
  const settled = compile((/** @type {Tensor} */ of) => matmul(of, y, { transposeA, transposeB }).mul(2), {
    inference: true,
  });
  const fn = async (/** @type {Tensor} */ of) => {
    if (!packed) return /** @type {Float32Array} */ (await (await plain(of, y)).data());
    await settled(of);
    return /** @type {Float32Array} */ (await (await settled(of)).data()).map((value) => value / 2);
  };
  const result = await fn(x);
  const hash = createHash('sha256').update(bytes(result));
  const different = [];
  for (const rows of product.rows ?? []) {
    const first = transposeA
      ? Float32Array.from(
          { length: k * rows },
          (_, i) => a[Math.floor(i / rows) * m + (i % rows)] ?? Number.NaN,
        )
      : a.slice(0, rows * k);
    const values = await fn(tensor(first, { shape: transposeA ? [k, rows] : [rows, k] }));
    if (Buffer.compare(bytes(values), bytes(result.slice(0, rows * n))) !== 0) different.push(rows);
  }
  const error = product.bits ? undefined : largestError(product, a, b, result);
  console.log(JSON.stringify({ error, hash: hash.digest('hex'), different }));
}

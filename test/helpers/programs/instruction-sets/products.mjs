// Multiplies matrices on the instruction set that CHAINRULE_ISA names, which holds for a whole process:
// `node products.mjs <list of products as JSON>` prints, for each of them, a hash of its bits, and the numbers of rows whose
// product has other bits than the same rows of the whole. The values, unless only bits are asked for, are appended to the
// file that PRODUCTS names.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { compile, matmul, permute, tensor } from '../../../../dist/lib/published/index.js';
import { sidesOf } from './product-sides.mjs';

/** @typedef {import('chainrule').Tensor} Tensor */

const bytes = (/** @type {Float32Array} */ values) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Transposes each matrix of a stack. */
function transposed(
  /** @type {Float32Array} */ values,
  /** @type {number} */ rows,
  /** @type {number} */ columns,
) {
  const turned = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += rows * columns) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        turned[start + column * rows + row] = values[start + row * columns + column] ?? Number.NaN;
      }
    }
  }
  return turned;
}

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

for (const product of /** @type {import('./product-sides.mjs').Product[]} */ (
  JSON.parse(process.argv[2] ?? '[]')
)) {
  const { batch = [], m, n, k, transposeA = false, transposeB = false, shared, heads, packed } = product;
  const [a, b] = sidesOf(product);
  const leftOf = (/** @type {number} */ rows) => {
    const values = a.subarray(0, rows === m ? a.length : rows * k);
    return {
      values: transposeA ? transposed(values, rows, k) : values,
      shape: [...batch, ...(transposeA ? [k, rows] : [rows, k])],
    };
  };
  const right = {
    values: transposeB ? transposed(b, k, n) : b,
    shape: [...(shared ? [] : batch), ...(transposeB ? [n, k] : [k, n])],
  };
  const left = leftOf(m);
  const axes = swap(left.shape.map((_, axis) => axis));
  const plain = compile((/** @type {Tensor} */ x, /** @type {Tensor} */ y) => {
    const sides = heads
      ? /** @type {const} */ ([permute(x, axes), permute(y, axes)])
      : /** @type {const} */ ([x, y]);
    return matmul(...sides, { transposeA, transposeB });
  });
  const given = (/** @type {{ values: Float32Array, shape: number[] }} */ { values, shape }) =>
    heads ? tensor(interleaved(values, shape), { shape: swap(shape) }) : tensor(values, { shape });
  const y = given(right);
  // The product stays in the arena, where another run finds what this one has left. Twice a number has its bits.
  const settled = compile((/** @type {Tensor} */ of) => matmul(of, y, { transposeA, transposeB }).mul(2), {
    inference: true,
  });
  const fn = async (/** @type {Tensor} */ of) => {
    if (!packed) return /** @type {Float32Array} */ (await (await plain(of, y)).data());
    await settled(of);
    return /** @type {Float32Array} */ (await (await settled(of)).data()).map((value) => value / 2);
  };
  const result = await fn(given(left));
  const hash = createHash('sha256').update(bytes(result)).digest('hex');
  const different = [];
  for (const rows of product.rows ?? []) {
    const { values, shape } = leftOf(rows);
    const found = await fn(tensor(values, { shape }));
    if (Buffer.compare(bytes(found), bytes(result.slice(0, rows * n))) !== 0) different.push(rows);
  }
  if (!product.bits) appendFileSync(process.env.PRODUCTS ?? '', bytes(result));
  console.log(JSON.stringify({ hash, different }));
  plain.release();
  settled.release();
}

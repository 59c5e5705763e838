// The sides of products of matrices, for the program that multiplies them and for the test that knows their products.

/**
 * @typedef {object} Product
 * @property {readonly number[]} [batch] leading axes of both sides
 * @property {number} m
 * @property {number} n
 * @property {number} k
 * @property {boolean} [transposeA]
 * @property {boolean} [transposeB]
 * @property {boolean} [shared] whether all products have one right side
 * @property {boolean} [heads] whether rows of the sides lie between those of other products, as attention's heads do
 * @property {boolean} [packed] whether the right side is packed before, as a snapshot for inference does
 * @property {boolean} [bits] whether the values are not asked for
 * @property {readonly number[]} [rows] numbers of rows of the left side whose products are compared with those in the whole
 */

/** @type {(sizes: readonly number[]) => number} */
export const sizeOf = (sizes) => sizes.reduce((product, size) => product * size, 1);

/** @type {Map<number, Float32Array>} */
const sequences = new Map();

/** Numbers of -1 to 1, the same ones each time. */
function numbers(/** @type {number} */ length, /** @type {number} */ seed) {
  const known = sequences.get(seed);
  if (known && known.length >= length) return known.subarray(0, length);
  const values = new Float32Array(Math.max(2 ** 20, length));
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  sequences.set(seed, values);
  return values.subarray(0, length);
}

/**
 * The left sides `[m, k]` of a batch and the right sides `[k, n]`, one if it is shared; whichever is transposed is so when
 * it is handed over.
 *
 * @param {Product} product
 * @returns {[Float32Array, Float32Array]}
 */
export function sidesOf({ batch = [], m, n, k, shared }) {
  const count = sizeOf(batch);
  return [numbers(count * m * k, 1), numbers((shared ? 1 : count) * k * n, 2)];
}

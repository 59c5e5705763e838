// Sums of products on the instruction set that CHAINRULE_ISA names, which holds for a whole process:
// `node matmul-sum.mjs <list of cases as JSON>` prints, for each of them, the largest error against sums in float64, and
// whether the bits are the same with the rows cut, and the same as those of products that are added one after another.
import { add, compile, concat, matmul, slice, tensor } from '../../../../dist/lib/index.js';
import { matmulSum } from '../../../../dist/lib/ops/primitives/matmul-sum.js';

/** @typedef {import('../../../../dist/lib/index.js').Tensor} Tensor */

/**
 * @typedef {object} Case
 * @property {number[]} rows of each shard
 * @property {number} [perRow]
 * @property {number} most rows for which there is room
 * @property {number} m
 * @property {number} n
 * @property {number[]} program
 * @property {number[]} cuts
 */

/** Numbers of -1 to 1, the same ones each time. */
const numbers = (/** @type {number[]} */ shape, /** @type {number} */ seed) => {
  let state = seed;
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return tensor(values, { shape });
};

/** The rows of a shard's factor. */
const factor = (/** @type {Tensor} */ x, /** @type {number} */ shard, /** @type {number} */ rows) =>
  slice(x, [
    [shard, shard + 1],
    [0, rows],
  ]).reshape([rows, /** @type {number} */ (x.shape[2])]);

/**
 * The products of the shards that have rows, added one after another.
 *
 * @param {Case} given @param {Tensor} a @param {Tensor} b
 */
function addedApart({ rows, perRow = 1, program }, a, b) {
  /** @type {(Tensor | undefined)[]} */
  const stack = [];
  for (const word of program) {
    const count = (rows[word] ?? 0) * perRow;
    if (word >= 0) {
      const product = () => matmul(factor(a, word, count), factor(b, word, count), { transposeA: true });
      stack.push(count > 0 ? product() : undefined);
      continue;
    }
    const [left, right] = stack.splice(-2);
    stack.push(left && right ? add(left, right) : (left ?? right));
  }
  return /** @type {Tensor} */ (stack[0]);
}

/**
 * The product of the rows of all shards.
 *
 * @param {Case} given @param {Tensor} a @param {Tensor} b
 */
function asOne({ rows, perRow = 1, most, m, n }, a, b) {
  const k = rows.length * most * perRow;
  return matmul(a.reshape([k, m]), b.reshape([k, n]), { transposeA: true });
}

/**
 * The largest error of a sum, relative to the sum of its terms' magnitudes.
 *
 * @param {Case} given @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {ArrayLike<number>} result
 */
function largestError({ rows, perRow = 1, most, m, n }, a, b, result) {
  let worst = 0;
  for (let at = 0; at < result.length; at++) {
    const [i, j] = [Math.floor(at / n), at % n];
    let [sum, magnitude] = [0, 0];
    rows.forEach((count, shard) => {
      const first = shard * most * perRow;
      for (let q = first; q < first + count * perRow; q++) {
        const term = (a[q * m + i] ?? Number.NaN) * (b[q * n + j] ?? Number.NaN);
        sum += term;
        magnitude += Math.abs(term);
      }
    });
    const error = Math.abs((result[at] ?? Number.NaN) - sum) / (magnitude || 1);
    if (!(error <= worst)) worst = error;
  }
  return result.length === m * n ? worst : Number.NaN;
}

const bits = async (/** @type {Tensor} */ x) => Buffer.from((await x.data()).slice().buffer).toString('hex');

for (const given of /** @type {Case[]} */ (JSON.parse(process.argv[2] ?? '[]'))) {
  const { rows, perRow = 1, most, m, n, program, cuts } = given;
  const [a, b] = [numbers([rows.length, most * perRow, m], 1), numbers([rows.length, most * perRow, n], 2)];
  const counts = tensor(Int32Array.from(rows));
  const sum = (/** @type {number} */ from, /** @type {number} */ to) =>
    matmulSum({ a: slice(a, [[], [], [from, to]]), b, rows: counts }, { program, perRow });
  const bounds = [0, ...cuts, m];
  const whole = await compile(() => sum(0, m))();
  const cut = await compile(() => concat(bounds.slice(1).map((to, i) => sum(bounds[i] ?? 0, to))))();
  const isFull = rows.every((count) => count === most);
  const like = await compile(() => (isFull ? asOne : addedApart)(given, a, b))();
  const own = await bits(whole);
  const error = largestError(given, await a.data(), await b.data(), await whole.data());
  console.log(JSON.stringify({ error, cut: own === (await bits(cut)), like: own === (await bits(like)) }));
}

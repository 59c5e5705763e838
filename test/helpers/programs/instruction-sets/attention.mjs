// Computes attention on the instruction set that CHAINRULE_ISA names, which holds for a whole process:
// `node attention.mjs <list of cases as JSON>` prints, for each of them, the largest error of its results and gradients
// against products, a softmax and whole masks, and whether a sample has the same bits alone and in its batch.
import {
  compile,
  dropout as drop,
  exp,
  grad,
  matmul,
  maximum,
  scaledDotProductAttention,
  tensor,
  where,
} from '../../../../dist/lib/published/index.js';

/** @typedef {import('chainrule').Tensor} Tensor */

/**
 * @typedef {object} Case
 * @property {[number, number, number, number, number, number]} sizes samples, heads, queries, keys, features, width
 * @property {'float32' | 'float64'} [dtype]
 * @property {boolean} [causal]
 * @property {('bool' | 'float' | 'padding' | 'gaps')[]} [masks] with `gaps`, some queries may attend to nothing
 * @property {number} [dropout]
 * @property {boolean} [apart] whether heads lie one after another instead of side by side
 */

let state = 1;
/** A number of -1 to 1. */
const draw = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
};
const sizeOf = (/** @type {readonly number[]} */ shape) => shape.reduce((product, size) => product * size, 1);

/**
 * The mask of a kind, for all pairs.
 *
 * @param {string} kind @param {Case['sizes']} sizes @param {'float32' | 'float64'} dtype
 */
function maskOf(kind, [samples, heads, queries, keys], dtype) {
  const floats = (/** @type {number[]} */ shape, /** @type {() => number} */ value) => {
    const values = Array.from({ length: sizeOf(shape) }, value);
    return tensor(dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values), { shape });
  };
  const bools = (/** @type {number[]} */ shape, /** @type {(at: number) => boolean} */ value) => {
    const values = Uint8Array.from({ length: sizeOf(shape) }, (_, at) => (value(at) ? 1 : 0));
    return tensor(values, { shape, dtype: 'bool' });
  };
  if (kind === 'bool') return bools([samples, heads, queries, keys], () => draw() > -0.3);
  if (kind === 'padding') return bools([samples, 1, 1, keys], () => draw() > -0.3);
  if (kind === 'gaps') return bools([queries, 1], (at) => at % 3 > 0);
  return floats([heads, queries, keys], () => (draw() > 0.6 ? -Infinity : draw()));
}

/** Attention with all weights in memory, with the numbers of dropout that the function draws. */
function plain(
  /** @type {Tensor} */ q,
  /** @type {Tensor} */ k,
  /** @type {Tensor} */ v,
  /** @type {readonly Tensor[]} */ masks,
  /** @type {Case} */ { causal, dropout = 0, dtype = 'float32' },
) {
  const lowest = -3.4028234663852886e38;
  let scores = matmul(q, k, { transposeB: true }).mul(1 / Math.sqrt(q.shape.at(-1) ?? 1));
  for (const mask of masks) {
    scores = mask.dtype === 'bool' ? where(mask, scores, lowest) : maximum(scores.add(mask), lowest);
  }
  const [queries, keys] = /** @type {[number, number]} */ (scores.shape.slice(-2));
  const later = Uint8Array.from({ length: queries * keys }, (_, at) => (at % keys > at / keys ? 1 : 0));
  if (causal) scores = where(tensor(later, { shape: [queries, keys], dtype: 'bool' }), lowest, scores);
  const top = scores.max(-1, { keepDims: true }).stopGradient();
  const weights = exp(scores.sub(top));
  const shares = weights.div(weights.sum(-1, { keepDims: true }));
  const known = where(top.gt(lowest), shares, 0);
  return matmul(dtype && dropout > 0 ? drop(known, dropout) : known, v);
}

for (const each of /** @type {Case[]} */ (JSON.parse(process.argv[2] ?? '[]'))) {
  const { sizes, dtype = 'float32', causal = false, masks: kinds = [], dropout = 0, apart = false } = each;
  const [samples, heads, queries, keys, features, width] = sizes;
  const shape = (/** @type {number} */ length, /** @type {number} */ size) =>
    apart ? [samples, heads, length, size] : [samples, length, heads, size];
  const shapes = [shape(queries, features), shape(keys, features), shape(keys, width), shape(queries, width)];
  const inputs = shapes.map((own) => {
    const values = Array.from({ length: sizeOf(own) }, () => 2 * draw());
    return tensor(dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values), {
      shape: own,
    });
  });
  const masks = kinds.map((kind) => maskOf(kind, sizes, dtype));
  const run = async (
    /** @type {(q: Tensor, k: Tensor, v: Tensor) => Tensor} */ attend,
    /** @type {Tensor[]} */ given,
  ) => {
    const fn = compile(
      (/** @type {Tensor[]} */ ...all) => {
        const turned = all.map((x) => (apart ? x : x.permute([0, 2, 1, 3])));
        const [q, k, v, slope] = /** @type {[Tensor, Tensor, Tensor, Tensor]} */ (turned);
        const result = attend(q, k, v);
        return [result, ...grad(result.mul(slope).sum(), all.slice(0, 3))];
      },
      { seed: 5 },
    );
    const results = await Promise.all((await fn(...given)).map((result) => result.data()));
    fn.release();
    return results;
  };
  // The function takes one mask; a second one is that of the causal pairs or is added to a float mask by the caller.
  const options = (/** @type {readonly Tensor[]} */ shown) => ({
    causal,
    dropout,
    ...(shown[0] ? { mask: shown[0] } : {}),
  });
  const ours = await run((q, k, v) => scaledDotProductAttention(q, k, v, options(masks)), inputs);
  const theirs = await run((q, k, v) => plain(q, k, v, masks, each), inputs);
  let error = 0;
  theirs.forEach((values, i) => {
    values.forEach((value, at) => {
      const own = Math.abs((ours[i]?.[at] ?? Number.NaN) - value) / (1 + Math.abs(value));
      if (!(own <= error)) error = own;
    });
  });
  // The first sample alone: as the same numbers of dropout are drawn for it, it has the same bits.
  const first = (/** @type {Tensor} */ x) => x.slice([[0, 1]]);
  const own = masks.map((mask) => (mask.ndim === 4 && samples > 1 ? first(mask) : mask));
  const alone = await run((q, k, v) => scaledDotProductAttention(q, k, v, options(own)), inputs.map(first));
  const same = alone.every((values, i) => values.every((value, at) => Object.is(value, ours[i]?.[at])));
  console.log(JSON.stringify({ error, same }));
}

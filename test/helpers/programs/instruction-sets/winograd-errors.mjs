// A program that test/ops/spatial/winograd.test.ts runs once per instruction set, with the number of shapes: prints the largest error of each
// kernel over random shapes in float32, as a share of the largest number of direct sums in float64.
import { compile, conv2d, grad, ones, tensor } from 'chainrule';
import { hashIntegers, hashUniform } from '#examples/lib/formula.js';
import { compileGraph } from '#lib/compile/compile.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';

const SHAPES = Number(process.argv[2]);

/** @typedef {readonly [number, number, number, number]} Sizes */

/**
 * An image, a kernel and a padding: odd sizes, channels that fill no vector, one block of tiles or several.
 *
 * @param {number} seed
 */
function randomCase(seed) {
  /** @type {(list: readonly number[], at: number) => number} */
  const pick = (list, at) => list[hashIntegers(1, 16 * seed + at, list.length)[0] ?? 0] ?? 0;
  const channels = [9, 16, 17, 20, 31, 32, 33, 48, 64, 70, 96, 130];
  const [images, height, width] = [
    pick([1, 2, 3], 0),
    pick([3, 4, 5, 7, 8, 13, 16, 19], 1),
    pick([3, 4, 6, 9, 11, 16, 21], 2),
  ];
  const [inner, outer, down, across] = [
    pick(channels, 3),
    pick(channels, 4),
    pick([0, 1, 2, 3], 5),
    pick([0, 1, 2], 6),
  ];
  /** @type {Sizes} */
  const image = [images, height, width, inner];
  /** @type {Sizes} */
  const kernel = [3, 3, inner, outer];
  /** @type {Sizes} */
  const result = [images, height - 2 + 2 * down, width - 2 + 2 * across, outer];
  /** @type {readonly [number, number]} */
  const padding = [down, across];
  return { image, kernel, result, padding };
}

/**
 * The result and both gradients, with numbers in -1 .. 1.
 *
 * @param {ReturnType<typeof randomCase>} given
 * @param {number} seed
 * @param {boolean} precise whether in float64
 */
async function results({ image, kernel, result, padding }, seed, precise) {
  /** @type {(shape: Sizes, at: number) => import('chainrule').Tensor} */
  const make = (shape, at) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = hashUniform(size, seed + at, -1, 1).map(Math.fround);
    return tensor(precise ? Float64Array.from(values) : Float32Array.from(values), { shape });
  };
  const all = compile(
    (
      /** @type {[import('chainrule').Tensor, import('chainrule').Tensor, import('chainrule').Tensor]} */ ...[
        x,
        w,
        dy,
      ]
    ) => {
      const y = conv2d(x, w, { padding });
      return [y, ...grad(y.mul(dy).sum(), [x, w])];
    },
  );
  const tensors = await all(make(image, 0), make(kernel, 1), make(result, 2));
  return Promise.all(tensors.map(async (t) => Array.from(await t.data())));
}

/**
 * Whether each of the three kernels takes Winograd's method.
 *
 * @param {ReturnType<typeof randomCase>} given
 */
function takesWinograd({ image, kernel, padding }) {
  const [x, w] = [ones(image), ones(kernel)];
  const y = conv2d(x, w, { padding });
  const { plan } = compileGraph({ inputs: [], outputs: [y, ...grad(y.sum(), [x, w])] }, nativeKernels);
  return ['conv2d', 'conv2dInputGrad', 'conv2dWeightGrad'].map((name) =>
    plan.steps.some((step) => step.kernel === 'call' && step.name === name && step.method === 'winograd'),
  );
}

const report = ['forward', 'inputGrad', 'weightGrad'].map((name) => ({ name, shapes: 0, worst: 0, at: '' }));
for (let seed = 0, done = 0; done < SHAPES; seed++) {
  const given = randomCase(seed);
  const methods = takesWinograd(given);
  if (!methods.some(Boolean)) continue;
  done++;
  const [actual, expected] = [await results(given, seed, false), await results(given, seed, true)];
  report.forEach((entry, i) => {
    if (!methods[i]) return;
    entry.shapes++;
    const [found, right] = [actual[i] ?? [], expected[i] ?? []];
    const largest = right.reduce((most, e) => Math.max(most, Math.abs(e)), 0);
    const errors = right.map((e, j) => Math.abs((found[j] ?? Number.NaN) - e) / largest);
    const worst = errors.reduce((most, e) => (e <= most ? most : Number.isNaN(e) ? 1 : e), 0);
    if (worst > entry.worst) Object.assign(entry, { worst, at: JSON.stringify(given) });
  });
}
console.log(JSON.stringify(report));

import * as cr from 'chainrule';
import { nn, type Tensor, tensor } from 'chainrule';
import { afterEach, describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { printPlan } from '#lib/compile/plan/print.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { expectBadCall } from '../../helpers/errors.js';
import { hashUniform } from '../../helpers/random-graph/random.js';
import { collect } from '../../helpers/training.js';

const random = (shape: cr.Shape, seed: number, dtype: 'float32' | 'float64' = 'float32') =>
  tensor(
    hashUniform(
      shape.reduce((a, b) => a * b, 1),
      seed,
      -1,
      1,
    ),
    { shape, dtype },
  );

const image = [2, 12, 12, 32];
const kernel = [3, 3, 32, 32];
const direct = { algorithm: 'direct' } as const;

/** The convolutions of a value and of the gradients of its sum, as a printed plan names them. */
function convolutions(fn: (x: Tensor) => Tensor, shape: cr.Shape = image, leaves: Tensor[] = []): string[] {
  const x = cr.ones(shape);
  const y = fn(x);
  const graph = { inputs: [], outputs: [y, ...cr.grad(y.mul(y).sum(), [x, ...leaves])] };
  const printed = printPlan(compileGraph(graph, nativeKernels).plan);
  return [...new Set(printed.match(/conv2d\w* by \w+/g) ?? [])].sort();
}

const byWinograd = ['conv2d by winograd', 'conv2dInputGrad by winograd', 'conv2dWeightGrad by winograd'];
const byDirectSums = ['conv2d by direct', 'conv2dInputGrad by direct', 'conv2dWeightGrad by direct'];

describe('the algorithm of a convolution', () => {
  afterEach(() => {
    delete process.env.CHAINRULE_CONV_ALGORITHM;
  });

  const w = random(kernel, 1);
  const cube = random([3, 3, 3, 32, 32], 2);
  const users: [string, (options: object) => string[]][] = [
    ['conv2d', (options) => convolutions((x) => cr.conv2d(x, w, options), image, [w])],
    ['convTranspose2d', (options) => convolutions((x) => cr.convTranspose2d(x, w, options), image, [w])],
    ['conv3d', (options) => convolutions((x) => cr.conv3d(x, cube, options), [1, 5, 9, 9, 32], [cube])],
    [
      'convTranspose3d',
      (options) => convolutions((x) => cr.convTranspose3d(x, cube, options), [1, 4, 9, 9, 32], [cube]),
    ],
    [
      'Conv2d',
      (options) => {
        const layer = new nn.Conv2d(32, 32, 3, options);
        return convolutions((x) => layer.forward(x), image, [layer.weight]);
      },
    ],
    [
      'ConvTranspose2d',
      (options) => {
        const layer = new nn.ConvTranspose2d(32, 32, 3, options);
        return convolutions((x) => layer.forward(x), image, [layer.weight]);
      },
    ],
  ];
  it.each(users)('is a choice of %s and of the process', (_, methods) => {
    expect(methods({})).toEqual(byWinograd);
    expect(methods({ algorithm: 'auto' })).toEqual(byWinograd);
    expect(methods(direct)).toEqual(byDirectSums);
    process.env.CHAINRULE_CONV_ALGORITHM = 'direct';
    expect(methods({})).toEqual(byDirectSums);
    expect(methods({ algorithm: 'auto' })).toEqual(byWinograd);
    process.env.CHAINRULE_CONV_ALGORITHM = 'auto';
    expect(methods({})).toEqual(byWinograd);
    expect(methods(direct)).toEqual(byDirectSums);
  });

  it('stays that of the convolution in gradients of gradients', () => {
    const slope = (x: Tensor) => cr.grad(cr.conv2d(x, w, direct).square().sum(), [x])[0] as Tensor;
    expect(convolutions(slope, image, [w])).toEqual(byDirectSums);
  });

  it('of the process holds in workers, whose plans are traced before', async () => {
    const values = {
      inputs: Float32Array.from(hashUniform(8 * 64 * 32, 7)),
      targets: Int32Array.of(0, 1, 2, 0, 1, 2, 0, 1),
    };
    const samples = cr.data.fromArrays(values.inputs, values.targets, { inputs: { shape: [8, 8, 32] } });
    const trained = async (workers: number, options: nn.Conv2dOptions) => {
      const layer = new nn.Conv2d(32, 32, 3, { padding: 1, ...options });
      const model = new nn.Sequential(layer, new nn.Flatten(), new nn.Linear(64 * 32, 3));
      const optimizer = cr.optim.sgd({ lr: 0.1 });
      const trainer = new cr.Trainer(model, {
        loss: nn.crossEntropy,
        optimizer,
        workers,
        shards: 2,
        seed: 1,
      });
      await collect(trainer.fit(samples, { epochs: 2, batchSize: 4 }));
      return [...(await layer.weight.data())];
    };
    const ofLayer = await trained(1, direct);
    const byDefault = await trained(2, {});
    process.env.CHAINRULE_CONV_ALGORITHM = 'direct';
    expect(await trained(2, {})).toEqual(ofLayer);
    expect(byDefault).not.toEqual(ofLayer);
  });

  it('is refused where it is unknown', () => {
    const x = cr.ones(image);
    const message = "conv2d: algorithm must be 'auto' or 'direct', got winograd";
    expectBadCall(
      () => cr.conv2d(x, w, { algorithm: 'winograd' as never }),
      message,
      'conv-algorithm.test.ts',
    );
    expect(() => new nn.ConvTranspose2d(2, 2, 3, { algorithm: 'exact' as never })).toThrow(
      "ConvTranspose2d: algorithm must be 'auto' or 'direct', got exact",
    );
    process.env.CHAINRULE_CONV_ALGORITHM = 'fast';
    expect(() => cr.conv2d(x, w)).toThrow(
      "conv2d: CHAINRULE_CONV_ALGORITHM must be 'auto' or 'direct', got fast",
    );
  });
});

describe('direct sums', () => {
  /** The result of a convolution with padding, and the gradients of its product with dy. */
  async function results(
    algorithm: 'auto' | 'direct',
    x: Tensor,
    w: Tensor,
    dy: Tensor,
  ): Promise<number[][]> {
    const run = cr.compile((...args: Tensor[]) => {
      const [image, kernel, slope] = args as [Tensor, Tensor, Tensor];
      const y = cr.conv2d(image, kernel, { padding: 1, algorithm });
      return [y, ...cr.grad(y.mul(slope).sum(), [image, kernel])];
    });
    const found = (await run(x, w, dy)) as Tensor[];
    run.release();
    return Promise.all(found.map(async (t) => [...(await t.data())]));
  }

  /** The pixels at which the numbers of two images differ in any bit. */
  function changed(a: readonly number[], b: readonly number[]): string[] {
    const places = a.flatMap((v, i) => (Object.is(v, b[i]) ? [] : [Math.floor(i / 32)]));
    return [...new Set(places)].map((pixel) => `${Math.floor(pixel / 12) % 12},${pixel % 12}`);
  }

  const [x, w, dy] = [random([1, 12, 12, 32], 3), random(kernel, 4), random([1, 12, 12, 32], 5)] as const;
  const withPixel = async (of: Tensor, value: number) => {
    const data = Float32Array.from(await of.data());
    data[(5 * 12 + 5) * 32 + 7] = value;
    return tensor(data, { shape: of.shape });
  };
  const around = [4, 5, 6].flatMap((row) => [4, 5, 6].map((column) => `${row},${column}`));

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e5, 1e30])(
    'keep a pixel of %d within its receptive field',
    async (value) => {
      const before = await results('direct', x, w, dy);
      const forward = await results('direct', await withPixel(x, value), w, dy);
      expect(changed(forward[0] as number[], before[0] as number[])).toEqual(around);
      const backward = await results('direct', x, w, await withPixel(dy, value));
      expect(changed(backward[1] as number[], before[1] as number[])).toEqual(around);
      // Of the kernel, only weights of the input channel, or for the result's channel, see it.
      const weights = (found: number[][]) =>
        (found[2] as number[]).flatMap((v, i) => (Object.is(v, (before[2] as number[])[i]) ? [] : [i]));
      expect(weights(forward).every((i) => Math.floor(i / 32) % 32 === 7)).toBe(true);
      expect(weights(backward).every((i) => i % 32 === 7)).toBe(true);
    },
  );

  it('have the errors of direct sums beside a large pixel, where the tiles of Winograd do not', async () => {
    const small = random([1, 12, 12, 32], 6).mul(1e-3);
    const large = await withPixel(small, 1e5);
    const exact = await results('direct', large.to('float64'), w.to('float64'), dy.to('float64'));
    const far = (found: number[][]) => {
      const errors = (found[0] as number[]).map((v, i) => {
        const pixel = Math.floor(i / 32);
        const inside = around.includes(`${Math.floor(pixel / 12)},${pixel % 12}`);
        return inside ? 0 : Math.abs(v - ((exact[0] as number[])[i] as number));
      });
      return Math.max(...errors);
    };
    // The results there are about 0.01.
    expect(far(await results('direct', large, w, dy))).toBeLessThan(1e-7);
    expect(far(await results('auto', large, w, dy))).toBeGreaterThan(1e-3);
  });
});

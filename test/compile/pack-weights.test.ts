import { compile, conv2d, convTranspose2d, matmul, type Tensor, tensor, Variable } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { compileGraph } from '#lib/compile/compile.js';
import { packWeights } from '#lib/compile/rewrite/pack-weights.js';
import type { DType } from '#lib/graph/dtype.js';
import { input } from '#lib/graph/leaf.js';
import { Storage } from '#lib/graph/storage.js';
import { reachable } from '#lib/graph/tensor.js';
import { addon } from '#lib/runtime/addon.js';
import { encodePlan } from '#lib/runtime/encode.js';
import { ValueKeys } from '#lib/runtime/inference/value-keys.js';
import { nativeKernels } from '#lib/runtime/native-kernels.js';
import { LONG } from '../helpers/long.js';

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function weightOf(shape: readonly number[], dtype: DType = 'float32'): Variable {
  return new Variable(
    new Storage(shape, dtype, (values) => {
      for (let i = 0; i < values.length; i++) values[i] = Math.sin(1 + 1.3 * i);
    }),
  );
}

const imageOf = (shape: readonly number[], dtype: DType = 'float32') =>
  tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(0.7 * i)),
    { shape, dtype },
  );

const bits = async (x: Tensor) => Buffer.from((await x.data()).buffer).toString('base64');

interface Case {
  readonly image: readonly number[];
  readonly weight: readonly number[];
  readonly options?: {
    readonly stride?: number;
    readonly padding?: number;
    readonly dilation?: number;
    readonly groups?: number;
  };
  readonly transposed?: true;
  readonly dtype?: DType;
}

const cases: Readonly<Record<string, Case>> = {
  'direct sums': { image: [7, 9, 3], weight: [3, 3, 3, 20] },
  'direct sums over many results': {
    image: [4, 4, 160],
    weight: [3, 3, 160, 144],
    options: { padding: 1, stride: 2 },
  },
  'small images, position by position': {
    image: [2, 2, 16],
    weight: [3, 3, 16, 24],
    options: { padding: 1, stride: 2 },
  },
  groups: { image: [6, 6, 8], weight: [3, 3, 4, 6], options: { groups: 2, dilation: 2 } },
  float64: { image: [6, 6, 4], weight: [3, 3, 4, 5], dtype: 'float64' },
  "Winograd's method": { image: [18, 17, 32], weight: [3, 3, 32, 40], options: { padding: 1 } },
  "Winograd's method over many channels": {
    image: [10, 10, 144],
    weight: [3, 3, 144, 100],
    options: { padding: 1 },
  },
  'a transposed convolution': {
    image: [5, 6, 8],
    weight: [3, 3, 6, 8],
    options: { stride: 2 },
    transposed: true,
  },
  "a transposed one by Winograd's method": {
    image: [12, 12, 48],
    weight: [3, 3, 32, 48],
    options: { padding: 1 },
    transposed: true,
  },
};

const graphOf = ({ weight, options, transposed, dtype }: Case) => {
  const variable = weightOf(weight, dtype);
  return (x: Tensor) => (transposed ? convTranspose2d : conv2d)(x, variable, options);
};

describe('packed weights', () => {
  it.each(Object.entries(cases))('give the same bits in batches of any size: %s', async (_, one) => {
    const fn = graphOf(one);
    const [ordinary, inference] = [compile(fn), compile(fn, { inference: true })];
    for (const rows of [1, 2, 40, 0]) {
      const x = imageOf([rows, ...one.image], one.dtype);
      expect(await bits(await inference(x))).toBe(await bits(await ordinary(x)));
    }
  });

  it.each(Object.entries(cases))('are packed once for all batches, before the calls: %s', (_, one) => {
    const fn = graphOf(one);
    const keys = new ValueKeys();
    const packed = [1, 40].map((rows) => {
      const [root] = packWeights([fn(input('x', [rows, ...one.image], one.dtype))], nativeKernels);
      const found = reachable([root as Tensor]).filter(({ op }) => op.kind === 'pack');
      expect(found).toHaveLength(1);
      return keys.of(found[0] as Tensor);
    });
    expect(packed[0]).toBe(packed[1]);
  });

  it('are of one layout each', () => {
    const weight = weightOf([3, 3, 32, 32]);
    const keys = new ValueKeys();
    const seen = [{}, { stride: 2 }, { padding: 1 }, { algorithm: 'direct' as const }].map((options) => {
      const [root] = packWeights([conv2d(input('x', [1, 16, 16, 32]), weight, options)], nativeKernels);
      return keys.of((root as Tensor).input(1));
    });
    expect(new Set(seen).size).toBe(4);
  });

  it('are not for single channels, nor for weights or images of which the other is settled or not', () => {
    const x = input('x', [1, 8, 8, 4]);
    const settled = imageOf([1, 8, 8, 4]);
    for (const y of [
      conv2d(x, weightOf([3, 3, 1, 4]), { groups: 4 }),
      conv2d(x, x.sum().expand([3, 3, 4, 4])),
      conv2d(settled, weightOf([3, 3, 4, 4])),
    ]) {
      const [root] = packWeights([y], nativeKernels);
      expect(reachable([root as Tensor]).some(({ op }) => op.kind === 'pack')).toBe(false);
    }
  });

  it('are refused if they are of another size', () => {
    const x = input('x', [1, 8, 8, 4]);
    const longer = {
      ...nativeKernels,
      operations: nativeKernels.operations,
      facts: (call: Parameters<typeof nativeKernels.facts>[0]) => {
        const { packing, ...facts } = nativeKernels.facts(call);
        return { ...facts, ...(packing && { packing: { ...packing, elements: packing.elements + 16 } }) };
      },
    };
    expect(() => {
      const outputs = packWeights([conv2d(x, weightOf([3, 3, 4, 4]))], longer);
      addon().createPlan(encodePlan(compileGraph({ inputs: [x], outputs }, nativeKernels).plan));
    }).toThrow(/packed weights of another size/);
  });
});

describe('a product with a packed weight', () => {
  const depths = [1, 7, 257, 600];
  const columns = [16, 17, 63, 130];
  const rows = [0, 1, 2, 3, 5, 7, 129];
  const matrix = (shape: readonly [number, number], of: (i: number) => number, dtype: DType) =>
    tensor(
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(of(i))),
      { shape, dtype },
    );
  /** The product on any instruction set, also where none is packed by itself. */
  const product = (x: Tensor, weight: Tensor, transposeB: boolean) => {
    const plain = matmul(x, weight, { transposeB });
    const [n = 0, k = 0] = transposeB ? weight.shape : weight.shape.toReversed();
    return plain.op.pack?.(plain, { elements: k * 16 * Math.ceil(n / 16), layout: 'panels' }) as Tensor;
  };

  it.each([
    ['float32', false],
    ['float32', true],
    ['float64', false],
    ['float64', true],
  ] as const)('is that of the definition, in %s, transposed: %s', async (dtype, transposeB) => {
    const epsilon = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    for (const [i, k] of depths.entries()) {
      // The sample has two numbers of columns with each depth.
      for (const n of columns.filter((_, at) => LONG || at % 2 === i % 2)) {
        const weight = matrix(transposeB ? [n, k] : [k, n], (i) => Math.sin(1 + 1.3 * i), dtype);
        const w = await weight.data();
        const whole = compile((x: Tensor) => product(x, weight, transposeB));
        // A view of the second half of each row, and of a matrix that is stored transposed.
        const half = compile((x: Tensor) =>
          product(
            x.slice([
              [0, x.shape[0] as number],
              [k, 2 * k],
            ]),
            weight,
            transposeB,
          ),
        );
        const turned = compile((x: Tensor) => product(x.transpose(), weight, transposeB));
        for (const m of rows) {
          const x = matrix([m, k], (i) => Math.cos(0.7 * i), dtype);
          const a = await x.data();
          const expected = await (await whole(x)).data();
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let [sum, magnitude] = [0, 0];
              for (let q = 0; q < k; q++) {
                const term = (a[i * k + q] as number) * (w[transposeB ? j * k + q : q * n + j] as number);
                sum += term;
                magnitude += Math.abs(term);
              }
              const error = Math.abs((expected[i * n + j] as number) - sum);
              if (!(error <= 8 * epsilon * magnitude)) expect({ k, n, m, i, j, error }).toBeNull();
            }
          }
          const bytes = Buffer.from(expected.buffer);
          const wide = matrix(
            [m, 2 * k],
            (i) => Math.cos(0.7 * (Math.floor(i / 2 / k) * k + (i % k))),
            dtype,
          );
          const tall = matrix([k, m], (i) => Math.cos(0.7 * ((i % m) * k + Math.floor(i / m))), dtype);
          for (const same of [await half(wide), await turned(tall)]) {
            expect(bytes.equals(Buffer.from((await same.data()).buffer))).toBe(true);
          }
        }
      }
    }
  });

  it('of no terms is 0', async () => {
    const fn = compile((x: Tensor) => matmul(x, weightOf([0, 32])), { inference: true });
    expect([...(await (await fn(tensor([], { shape: [2, 0] }))).data())]).toEqual(new Array(64).fill(0));
  });

  it('is packed for inference where the addon multiplies by itself, in one layout for all rows', () => {
    const weight = weightOf([48, 96]);
    const keys = new ValueKeys();
    const packings = [1, 40].flatMap((count) => {
      const x = input('x', [count, 96]);
      const [root] = packWeights([matmul(x, weight, { transposeB: true })], nativeKernels);
      return reachable([root as Tensor]).filter(({ op }) => op.kind === 'pack');
    });
    const packs = addon().isa().startsWith('avx');
    expect(packings).toHaveLength(packs ? 2 : 0);
    expect(new Set(packings.map((one) => keys.of(one))).size).toBe(packs ? 1 : 0);
  });

  it('is not packed with few columns, in batches, or behind a transposed matrix', () => {
    const x = input('x', [8, 32]);
    for (const y of [
      matmul(x, weightOf([32, 15])),
      matmul(x, weightOf([8, 32]), { transposeA: true }),
      matmul(input('x', [2, 8, 32]), weightOf([2, 32, 32])),
    ]) {
      const [root] = packWeights([y], nativeKernels);
      expect(reachable([root as Tensor]).some(({ op }) => op.kind === 'pack')).toBe(false);
    }
  });
});

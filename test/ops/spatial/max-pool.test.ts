import { compile, maxPool2d, type Tensor, tensor, vjp } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { hashUniform } from '../../helpers/random-graph/random.js';

interface Pool {
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

const POOLS: readonly Pool[] = [
  { size: 2, stride: 2, padding: 0, dilation: 1 },
  { size: 3, stride: 2, padding: 1, dilation: 1 },
  { size: 3, stride: 1, padding: 1, dilation: 1 },
  { size: 2, stride: 1, padding: 1, dilation: 2 },
];
const [IMAGES, SIDE] = [2, 9];

/** Whole numbers, many of them equal, with a NaN here and there. */
const valuesOf = (count: number, from: number): Float32Array => {
  const wild = hashUniform(count, from + 1, 0, 1);
  return Float32Array.from(hashUniform(count, from, -4, 4), (value, i) =>
    (wild[i] as number) < 0.01 ? Number.NaN : Math.floor(value),
  );
};
const wholeNumbers = (count: number, from: number) =>
  Float32Array.from(hashUniform(count, from, -9, 9), Math.floor);

/** The elements that win: the first of the largest in each window, or its last NaN. */
function winners(x: Float32Array, channels: number, places: number, pool: Pool): number[] {
  const inside = (at: number) => at >= 0 && at < SIDE;
  const winner = (image: number, i: number, j: number, c: number): number => {
    let best = -1;
    for (let h = 0; h < pool.size; h++) {
      for (let w = 0; w < pool.size; w++) {
        const y = i * pool.stride - pool.padding + h * pool.dilation;
        const z = j * pool.stride - pool.padding + w * pool.dilation;
        if (!inside(y) || !inside(z)) continue;
        const at = ((image * SIDE + y) * SIDE + z) * channels + c;
        const [value, most] = [x[at] as number, best < 0 ? Number.NEGATIVE_INFINITY : (x[best] as number)];
        if (best < 0 || value > most || Number.isNaN(value)) best = at;
      }
    }
    return best;
  };
  const found: number[] = [];
  for (let image = 0; image < IMAGES; image++) {
    for (let i = 0; i < places; i++) {
      for (let j = 0; j < places; j++) {
        for (let c = 0; c < channels; c++) found.push(winner(image, i, j, c));
      }
    }
  }
  return found;
}

describe('max pooling of channels around the length of vectors', () => {
  for (const pool of POOLS) {
    const { size, ...options } = pool;
    it(`${size}x${size}, ${JSON.stringify(options)}`, async () => {
      const places = Math.floor((SIDE + 2 * pool.padding - pool.dilation * (size - 1) - 1) / pool.stride) + 1;
      for (const channels of [1, 3, 6, 16, 23, 40]) {
        const image = [IMAGES, SIDE, SIDE, channels];
        const pooled = [IMAGES, places, places, channels];
        const count = IMAGES * SIDE * SIDE * channels;
        const x = valuesOf(count, channels);
        const won = winners(x, channels, places, pool);
        const [g, other] = [wholeNumbers(won.length, 7), wholeNumbers(count, 8)];
        const step = compile((a: Tensor, b: Tensor, c: Tensor) => {
          const y = maxPool2d(a, size, options);
          const [slope] = vjp([y], [b], [a]) as [Tensor];
          // The slope is linear in what it is the slope for: its own gradient picks elements.
          return [y, slope, ...vjp([slope], [c], [b])];
        });
        const results = await step(
          tensor(x, { shape: image }),
          tensor(g, { shape: pooled }),
          tensor(other, { shape: image }),
        );
        const [value, slope, picked] = await Promise.all(results.map(async (r) => [...(await r.data())]));
        const sums = new Array<number>(count).fill(0);
        won.forEach((at, i) => {
          sums[at] = (sums[at] as number) + (g[i] as number);
        });
        expect(value).toEqual(won.map((at) => x[at]));
        expect(slope?.map((v) => v + 0)).toEqual(sums.map((v) => v + 0));
        expect(picked).toEqual(won.map((at) => other[at]));
      }
    });
  }
});

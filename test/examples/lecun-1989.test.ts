import { compile, grad, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { learnZipDigits, type ZipPass } from '#examples/lecun-1989.js';
import { normalise, zipDigits } from '#examples/lib/zip-digits.js';
import { ZipNetwork } from '#examples/lib/zip-network.js';
import { expectClose } from '../helpers/close.js';
import { hashUniform } from '../helpers/random-graph/random.js';

const random = (shape: readonly number[], seed: number) =>
  tensor(
    Float32Array.from(
      hashUniform(
        shape.reduce((a, b) => a * b, 1),
        seed,
        -1,
        1,
      ),
    ),
    { shape },
  );

describe('the zip-code network (LeCun et al. 1989)', () => {
  it('has the units, connections and parameters of the paper', () => {
    const model = new ZipNetwork();
    const { layers } = model;
    const units = layers.map(({ bias }) => bias.size);
    expect(units).toEqual([768, 192, 30, 10]);
    expect(units.reduce((a, b) => a + b, 256)).toBe(1256);
    expect(layers.map(({ connections }) => connections)).toEqual([19968, 38592, 5790, 310]);
    expect(layers.map(({ weight, bias }) => weight.size + bias.size)).toEqual([1068, 2592, 5790, 310]);
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(9760);
  });

  it('connects each map of H2 with the 8 maps of H1 that it says, in 5 x 5 neighbourhoods two units apart', async () => {
    const { h2 } = new ZipNetwork();
    const maps = random([1, 8, 8, 12], 1);
    const seenBy = async (row: number, column: number, map: number) => {
      const run = compile((x: Tensor) => {
        const unit = h2.forward(x).slice([[], [row, row + 1], [column, column + 1], [map, map + 1]]);
        return grad(unit.sum(), [x])[0];
      });
      const slopes = (await ((await run(maps)) as Tensor).data()) as Float32Array;
      run.release();
      return Array.from(slopes, (slope, i) => (slope === 0 ? -1 : i)).filter((i) => i >= 0);
    };
    const expected = (rows: number[], columns: number[], channels: number[]) =>
      rows.flatMap((y) => columns.flatMap((x) => channels.map((c) => (y * 8 + x) * 12 + c)));
    expect(await seenBy(1, 2, 0)).toEqual(
      expected([0, 1, 2, 3, 4], [2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6, 7]),
    );
    expect(await seenBy(0, 0, 7)).toEqual(expected([0, 1, 2], [0, 1, 2], [4, 5, 6, 7, 8, 9, 10, 11]));
    expect(await seenBy(3, 1, 11)).toEqual(
      expected([4, 5, 6, 7], [0, 1, 2, 3, 4], [0, 1, 2, 3, 8, 9, 10, 11]),
    );
  });

  it('takes its inputs beyond the border from a background of -1', async () => {
    const { h1 } = new ZipNetwork();
    const states = await h1.forward(tensor(new Float32Array(256).fill(-1), { shape: [1, 16, 16, 1] })).data();
    const biases = await h1.bias.data();
    const weights = await h1.weight.data();
    for (const unit of [0, 7 * 12 + 3, 63 * 12 + 11]) {
      let total = biases[unit] as number;
      for (let tap = 0; tap < 25; tap++) total -= weights[tap * 12 + (unit % 12)] as number;
      expect(states[unit]).toBeCloseTo(1.7159 * Math.tanh((2 / 3) * total), 5);
    }
  });

  it('estimates the curvature of the last two layers as the squares of the slopes of all outputs', async () => {
    const model = new ZipNetwork().init(3);
    const last = model.parameters().slice(4);
    const run = compile((images: Tensor) => {
      const outputs = model.forward(images);
      const slopes = Array.from({ length: 10 }, (_, i) => grad(outputs.slice([[], [i, i + 1]]).sum(), last));
      const exact = last.map((_, i) =>
        slopes.map((all) => (all[i] as Tensor).square()).reduce((a, b) => a.add(b)),
      );
      return [model.curvatures(images).slice(4), exact] as const;
    });
    const [estimate, exact] = await run(random([1, 16, 16, 1], 4));
    run.release();
    for (const [i, curvature] of estimate.entries()) {
      const wanted = (await (exact[i] as Tensor).data()) as Float32Array;
      expect(Math.max(...wanted)).toBeGreaterThan(0);
      expectClose(`curvature ${i}`, await curvature.data(), wanted, { relative: 1e-4 });
    }
  });

  it('estimates a positive curvature for every parameter, the mean over the images', async () => {
    const model = new ZipNetwork().init(3);
    const run = compile((images: Tensor) => model.curvatures(images));
    const [a, b] = [random([1, 16, 16, 1], 5), random([1, 16, 16, 1], 6)];
    const [first, second] = [await run(a), await run(b)];
    const both = await run(
      tensor(Float32Array.from([...(await a.data()), ...(await b.data())]), { shape: [2, 16, 16, 1] }),
    );
    run.release();
    for (const [i, curvature] of both.entries()) {
      expect(curvature.shape).toEqual(model.parameters()[i]?.shape);
      const values = await curvature.data();
      expect(Math.min(...values)).toBeGreaterThan(0);
      const mean = await (first[i] as Tensor)
        .add(second[i] as Tensor)
        .div(2)
        .data();
      expectClose(`curvature ${i}`, values, mean, { relative: 1e-4 });
    }
  });
});

describe('digits of 16 x 16', () => {
  it('fill their square with the longer side of the ink, and lie in its middle', () => {
    // A bar of 4 x 8 pixels, away from the middle: twice as large, 8 x 16, in columns 4 to 11.
    const pixels = new Uint8Array(28 * 28);
    for (let y = 3; y < 11; y++) for (let x = 20; x < 24; x++) pixels[y * 28 + x] = 255;
    const image = normalise({ pixels, width: 28 });
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) expect(image[y * 16 + x], `${y}, ${x}`).toBe(x >= 4 && x < 12 ? 1 : -1);
    }
  });

  it('hold the mean of what each pixel covers, and -1 where there is no ink', () => {
    const checks = Uint8Array.from({ length: 32 * 32 }, (_, i) => 255 * ((i + Math.floor(i / 32)) % 2));
    // Each pixel of 16 x 16 covers two of ink and two of paper.
    for (const value of normalise({ pixels: checks, width: 32 })) expect(value).toBeCloseTo(0, 6);
    expect(normalise({ pixels: new Uint8Array(784), width: 28 })).toEqual(new Float32Array(256).fill(-1));
  });

  it('are learned: most of two thousand come right after four passes', async () => {
    const passes: ZipPass[] = [];
    for await (const pass of learnZipDigits({ train: 2000, test: 300, passes: 4 })) passes.push(pass);
    expect(passes.map(({ pass }) => pass)).toEqual([1, 2, 3, 4]);
    const [first, , , last] = passes as [ZipPass, ZipPass, ZipPass, ZipPass];
    expect(last.train.meanSquaredError).toBeLessThan(first.train.meanSquaredError);
    expect(last.train.error).toBeLessThan(10);
    expect(last.test.error).toBeLessThan(15);
    expect(last.test.mistakes / 300).toBeCloseTo(last.test.error / 100, 10);
  });

  it('are the first 7,291 and 2,007 of MNIST', async () => {
    const { train, test } = await zipDigits();
    expect([train.count, test.count]).toEqual([7291, 2007]);
    expect([...train.labels.subarray(0, 8)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    expect([...test.labels.subarray(0, 8)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9]);
    expect(train.images.every((value) => value >= -1 && value <= 1)).toBe(true);
  });
});

import { hashIntegers, hashUniform } from '../../examples/lib/formula.js';
import { at } from '../../lib/graph/at.js';
import { type DType, data } from '../../lib/index.js';

// Samples from the formula that bench/transfer/pytorch/cases.py has too, so that both sides learn from the same numbers.

export interface ImageSamples {
  readonly size: number;
  readonly classes: number;
  /** True for targets that are a class for each pixel. */
  readonly masks?: boolean;
}

/** What makes the samples of one training. */
export type Samples = (seed: number, count: number, dtype: DType) => data.Dataset;

/** Noise over the pattern of a class, and the classes, or for each pixel a class that the pattern gives. */
export const images =
  ({ size, classes, masks = false }: ImageSamples): Samples =>
  (seed, count, dtype) => {
    const area = size * size;
    const labels = hashIntegers(count, seed + 1, classes);
    const patterns = hashUniform(classes * area * 3, 2);
    const patternAt = (sample: number, i: number) => at(patterns, at(labels, sample) * area * 3 + i);
    const pixels = hashUniform(count * area * 3, seed + 2).map((noise, i) => {
      const pattern = patternAt(Math.floor(i / (area * 3)), i % (area * 3));
      return Math.fround(2 * (0.2 * pattern + 0.8 * noise) - 1);
    });
    const inputs = dtype === 'float64' ? Float64Array.from(pixels) : Float32Array.from(pixels);
    const classOf = (i: number) => Math.floor(patternAt(Math.floor(i / area), 3 * (i % area)) * classes);
    const targets = masks ? Int32Array.from({ length: count * area }, (_, i) => classOf(i)) : labels;
    return data.fromArrays(inputs, Int32Array.from(targets), {
      inputs: { shape: [size, size, 3] },
      targets: { shape: masks ? [size, size] : [] },
    });
  };

export interface TokenSamples {
  readonly length: number;
  readonly vocabulary: number;
}

/** Tokens whose range depends on the class. */
export const sentences =
  ({ length, vocabulary, classes }: TokenSamples & { readonly classes: number }): Samples =>
  (seed, count) => {
    const labels = hashIntegers(count, seed + 1, classes);
    const tokens = hashUniform(count * length, seed + 2).map((noise, i) =>
      Math.floor(vocabulary * ((0.3 * at(labels, Math.floor(i / length))) / classes + 0.7 * noise)),
    );
    return data.fromArrays(Int32Array.from(tokens), Int32Array.from(labels), { inputs: { shape: [length] } });
  };

/** Tokens that go on by a step of their own, and the token that comes next to each. */
export const walks =
  ({ length, vocabulary }: TokenSamples): Samples =>
  (seed, count) => {
    const starts = hashIntegers(count, seed + 1, vocabulary);
    const strides = hashIntegers(count, seed + 2, 2);
    const tokensFrom = (first: number) =>
      Int32Array.from({ length: count * length }, (_, i) => {
        const [row, place] = [Math.floor(i / length), first + (i % length)];
        return (at(starts, row) + (at(strides, row) + 1) * place) % vocabulary;
      });
    const shape = { shape: [length] };
    return data.fromArrays(tokensFrom(0), tokensFrom(1), { inputs: shape, targets: shape });
  };

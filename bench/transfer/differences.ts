import type { FileTensor } from '../../lib/io/file-dtypes.js';

/** Numbers of one kind or another. */
export type Numbers = ArrayLike<number | bigint>;

/** The largest difference of numbers. */
export interface Difference {
  readonly absolute: number;
  /** In relation to the largest number that is expected. */
  readonly relative: number;
}

/** The largest difference of two arrays. */
export function differenceOf(found: Numbers, expected: Numbers): Difference {
  if (found.length !== expected.length)
    throw new Error(`${found.length} numbers were found, not ${expected.length}`);
  let absolute = 0;
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(Number(found[i]) - Number(expected[i]));
    // A NaN is larger than any number.
    if (!(apart <= absolute)) absolute = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
  }
  const largest = largestOf(expected);
  return { absolute, relative: largest === 0 ? absolute : absolute / largest };
}

/** The largest difference of two series, each number in relation to the expected one. */
export function seriesDifference(found: Numbers, expected: Numbers): number {
  return Math.max(
    ...Array.from(expected, (value, i) => differenceOf([found[i] ?? Number.NaN], [value]).relative),
  );
}

/** The weights that differ most, and by how much. */
export interface WeightDifference {
  readonly name: string;
  /** In relation to the largest number of their layer. */
  readonly relative: number;
}

export type Weights = Readonly<Record<string, FileTensor>>;

/**
 * The largest difference of two states, in relation to the largest number of the layer that it lies in: some weights, as
 * biases before batch normalisation or of keys, are zero but for rounding.
 */
export function weightDifference(found: Weights, expected: Weights): WeightDifference {
  const layers = new Map<string, number>();
  for (const [name, { data }] of Object.entries(expected)) {
    const layer = layerOf(name);
    layers.set(layer, Math.max(layers.get(layer) ?? 0, largestOf(data)));
  }
  let worst: WeightDifference = { name: '', relative: 0 };
  for (const [name, { data }] of Object.entries(expected)) {
    const { absolute } = differenceOf(found[name]?.data ?? [], data);
    const relative = absolute / (layers.get(layerOf(name)) || 1);
    if (relative >= worst.relative) worst = { name, relative };
  }
  return worst;
}

const layerOf = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);

function largestOf(numbers: Numbers): number {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) largest = Math.max(largest, Math.abs(Number(numbers[i])));
  return largest;
}

import { at, build, indices, type Plain } from './naive.js';

/** Normalisations by their definitions, element by element. */
export type Reference = (...inputs: Plain[]) => Plain;

const EPS = 1e-5;
const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const spread = (values: readonly number[]) => {
  const mean = average(values);
  return average(values.map((value) => (value - mean) ** 2));
};

/** Each element normalised among those for which `same` holds. */
function normalise(
  x: Plain,
  same: (index: readonly number[], other: readonly number[]) => boolean,
  affine: (normal: number, index: readonly number[]) => number,
  eps: number,
): Plain {
  const all = [...indices(x.shape)];
  return build(x.shape, (index) => {
    const group = all.filter((other) => same(index, other)).map((other) => at(x, other));
    return affine((at(x, index) - average(group)) / Math.sqrt(spread(group) + eps), index);
  });
}

/** The affine map by a weight and a bias over the last `axes` axes. */
const affineOf = (axes: number, weight?: Plain, bias?: Plain) => (normal: number, index: readonly number[]) =>
  normal * (weight ? at(weight, index.slice(-axes)) : 1) + (bias ? at(bias, index.slice(-axes)) : 0);

export const layerNorm =
  (axes: number, eps = EPS): Reference =>
  (...[x, weight, bias]) =>
    normalise(
      x as Plain,
      (a, b) => a.slice(0, -axes).every((place, axis) => place === b[axis]),
      affineOf(axes, weight, bias),
      eps,
    );

export const rmsNorm: Reference = (...inputs) => {
  const [x, weight] = inputs as [Plain, Plain];
  const width = x.shape.at(-1) as number;
  return build(x.shape, (index) => {
    const row = Array.from({ length: width }, (_, i) => at(x, [...index.slice(0, -1), i]));
    const root = Math.sqrt(average(row.map((value) => value ** 2)) + Number.EPSILON);
    return (at(x, index) / root) * at(weight, index.slice(-1));
  });
};

export const groupNorm =
  (groups: number): Reference =>
  (...[x, weight, bias]) => {
    const size = ((x as Plain).shape.at(-1) as number) / groups;
    const group = (index: readonly number[]) => Math.floor((index.at(-1) as number) / size);
    return normalise(
      x as Plain,
      (a, b) => a[0] === b[0] && group(a) === group(b),
      affineOf(1, weight, bias),
      EPS,
    );
  };

export const batchNorm: Reference = (...inputs) => {
  const [x, mean, variance, weight, bias] = inputs as [Plain, Plain, Plain, Plain, Plain];
  return build(x.shape, (index) => {
    const channel = index.slice(-1);
    const normal = (at(x, index) - at(mean, channel)) / Math.sqrt(at(variance, channel) + EPS);
    return normal * at(weight, channel) + at(bias, channel);
  });
};

/** The means, and then the variances. */
export const channelMoments: Reference = (...inputs) => {
  const [x] = inputs as [Plain];
  const channels = x.shape.at(-1) as number;
  return build([2, channels], (index) => {
    const values = [...indices(x.shape)].filter((i) => i.at(-1) === index[1]).map((i) => at(x, i));
    return index[0] === 0 ? average(values) : spread(values);
  });
};

export const localResponseNorm =
  (size: number, alpha: number, beta: number, k: number): Reference =>
  (...inputs) => {
    const [x] = inputs as [Plain];
    const channels = x.shape.at(-1) as number;
    return build(x.shape, (index) => {
      const first = (index.at(-1) as number) - Math.floor(size / 2);
      let squares = 0;
      for (let c = Math.max(0, first); c < Math.min(channels, first + size); c++) {
        squares += at(x, [...index.slice(0, -1), c]) ** 2;
      }
      return at(x, index) / (k + (alpha * squares) / size) ** beta;
    });
  };

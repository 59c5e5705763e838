import { at, build, indices, type Plain } from './naive.js';

export type Border = 'zeros' | 'reflect' | 'replicate' | 'circular';

/** A convolution's window on any number of spatial axes. */
export interface PlainConvolution {
  readonly stride: readonly number[];
  readonly sides: readonly (readonly [before: number, after: number])[];
  readonly dilation: readonly number[];
  readonly groups?: number;
  readonly border?: Border;
}

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

/** The position on an axis that a position beyond its borders maps to, or undefined for a zero. */
function seen(place: number, length: number, border: Border): number | undefined {
  if (place >= 0 && place < length) return place;
  if (border === 'zeros') return undefined;
  if (border === 'replicate') return place < 0 ? 0 : length - 1;
  if (border === 'circular') return (place + length) % length;
  return place < 0 ? -place : 2 * (length - 1) - place;
}

/** A convolution [N, ..., C] x [..., C / groups, O] on any number of axes, one multiplication at a time. */
export function convolvePlain(x: Plain, w: Plain, window: PlainConvolution): Plain {
  const { stride, sides, dilation, groups = 1, border = 'zeros' } = window;
  const kernel = w.shape.slice(0, -2);
  const [inner, out] = w.shape.slice(-2) as [number, number];
  const lengths = x.shape.slice(1, -1);
  const places = kernel.map((taps, axis) => {
    const [before, after] = sides[axis] as [number, number];
    const span = (dilation[axis] as number) * (taps - 1) + 1;
    return Math.floor(((lengths[axis] as number) + before + after - span) / (stride[axis] as number)) + 1;
  });
  return build([x.shape[0] as number, ...places, out], (index) => {
    const o = index.at(-1) as number;
    const first = Math.floor(o / (out / groups)) * inner;
    let sum = 0;
    for (const tap of indices(kernel)) {
      const source = tap.map((t, axis) => {
        const start = (index[axis + 1] as number) * (stride[axis] as number);
        const place = start + t * (dilation[axis] as number) - (sides[axis]?.[0] as number);
        return seen(place, lengths[axis] as number, border);
      });
      if (source.includes(undefined)) continue;
      for (let c = 0; c < inner; c++) {
        sum += at(x, [index[0] as number, ...(source as number[]), first + c]) * at(w, [...tap, c, o]);
      }
    }
    return sum;
  });
}

/** A transposed convolution's window on any number of spatial axes. */
export interface PlainTransposed {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups?: number;
}

/** A transposed convolution [N, ..., C] x [..., O / groups, C]: each element adds its kernel to the result. */
export function transposedPlain(x: Plain, w: Plain, window: PlainTransposed): Plain {
  const { stride, padding, outputPadding, dilation, groups = 1 } = window;
  const kernel = w.shape.slice(0, -2);
  const [inner, channels] = w.shape.slice(-2) as [number, number];
  const lengths = kernel.map((taps, axis) => {
    const whole =
      ((x.shape[axis + 1] as number) - 1) * (stride[axis] as number) +
      (dilation[axis] as number) * (taps - 1);
    return whole - 2 * (padding[axis] as number) + (outputPadding[axis] as number) + 1;
  });
  const shape = [x.shape[0] as number, ...lengths, inner * groups];
  const data = new Array<number>(product(shape)).fill(0);
  for (const index of indices(x.shape)) {
    const c = index.at(-1) as number;
    const first = Math.floor(c / (channels / groups)) * inner;
    for (const tap of indices(kernel)) {
      const place = tap.map(
        (t, axis) =>
          (index[axis + 1] as number) * (stride[axis] as number) +
          t * (dilation[axis] as number) -
          (padding[axis] as number),
      );
      if (place.some((p, axis) => p < 0 || p >= (lengths[axis] as number))) continue;
      for (let k = 0; k < inner; k++) {
        const target = [index[0] as number, ...place, first + k];
        const flat = target.reduce((sum, i, axis) => sum * (shape[axis] as number) + i, 0);
        data[flat] = (data[flat] as number) + at(x, index) * at(w, [...tap, k, c]);
      }
    }
  }
  return { shape, data };
}

/** The elements under one place of a window, and how many places of the window lie in the padded image. */
export interface PlainWindowView {
  readonly values: readonly number[];
  readonly padded: number;
}

/** Reduces each window of each channel on any number of axes. A last window that starts inside counts if `ceil`. */
export function windowsPlain(
  x: Plain,
  size: readonly number[],
  window: {
    readonly stride: readonly number[];
    readonly padding: readonly number[];
    readonly dilation: readonly number[];
    readonly ceil: boolean;
  },
  f: (view: PlainWindowView) => number,
): Plain {
  const { stride, padding, dilation, ceil } = window;
  const lengths = x.shape.slice(1, -1);
  const starts = lengths.map((length, axis) => {
    const [step, frame] = [stride[axis] as number, padding[axis] as number];
    const span = ((size[axis] as number) - 1) * (dilation[axis] as number) + 1;
    const found: number[] = [];
    for (let start = -frame; start + span <= length + frame; start += step) found.push(start);
    const next = -frame + found.length * step;
    const over = found.length === 0 || (found.at(-1) as number) + span < length + frame;
    if (ceil && over && next < length) found.push(next);
    return found;
  });
  const shape = [x.shape[0] as number, ...starts.map((list) => list.length), x.shape.at(-1) as number];
  return build(shape, (index) => {
    const taps = [...indices(size)].map((tap) =>
      tap.map(
        (t, axis) => (starts[axis]?.[index[axis + 1] as number] as number) + t * (dilation[axis] as number),
      ),
    );
    const inside = taps.filter((place) => place.every((p, axis) => p >= 0 && p < (lengths[axis] as number)));
    const framed = taps.filter((place) =>
      place.every((p, axis) => p < (lengths[axis] as number) + (padding[axis] as number)),
    );
    const values = inside.map((place) => at(x, [index[0] as number, ...place, index.at(-1) as number]));
    return f({ values, padded: framed.length });
  });
}

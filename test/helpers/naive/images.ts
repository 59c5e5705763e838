import { at, build, type Plain } from './naive.js';

export interface PlainWindow {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups?: number;
}

const places = (length: number, taps: number, stride: number, padding: number, dilation: number) =>
  Math.floor((length + 2 * padding - dilation * (taps - 1) - 1) / stride) + 1;

/** The elements of the image under one place of a window, with their positions; padding is left out. */
function* under(
  x: Plain,
  [kernelHeight, kernelWidth]: readonly [number, number],
  { stride, padding, dilation }: PlainWindow,
  [row, column]: readonly [number, number],
) {
  for (let i = 0; i < kernelHeight; i++) {
    for (let j = 0; j < kernelWidth; j++) {
      const h = row * stride[0] - padding[0] + i * dilation[0];
      const w = column * stride[1] - padding[1] + j * dilation[1];
      if (h >= 0 && w >= 0 && h < (x.shape[1] as number) && w < (x.shape[2] as number)) yield { i, j, h, w };
    }
  }
}

function windowShape(x: Plain, size: readonly [number, number], window: PlainWindow): [number, number] {
  const [, height, width] = x.shape as [number, number, number];
  const { stride, padding, dilation } = window;
  return [
    places(height, size[0], stride[0], padding[0], dilation[0]),
    places(width, size[1], stride[1], padding[1], dilation[1]),
  ];
}

/** A convolution [N,H,W,C] x [KH,KW,C/groups,O], one multiplication at a time. */
export function convPlain(x: Plain, w: Plain, window: PlainWindow): Plain {
  const [kernelHeight, kernelWidth, channels, out] = w.shape as [number, number, number, number];
  const size = [kernelHeight, kernelWidth] as const;
  return build([x.shape[0] as number, ...windowShape(x, size, window), out], (index) => {
    const [n, row, column, o] = index as [number, number, number, number];
    const first = Math.floor(o / (out / (window.groups ?? 1))) * channels;
    let sum = 0;
    for (const { i, j, h, w: wide } of under(x, size, window, [row, column])) {
      for (let c = 0; c < channels; c++) sum += at(x, [n, h, wide, first + c]) * at(w, [i, j, c, o]);
    }
    return sum;
  });
}

/** A reduction of each window of each channel. */
export function poolPlain(
  x: Plain,
  size: readonly [number, number],
  window: Omit<PlainWindow, 'dilation'> & { readonly dilation?: readonly [number, number] },
  f: (values: number[]) => number,
): Plain {
  const dense: PlainWindow = { dilation: [1, 1], ...window };
  const [n, , , channels] = x.shape as [number, number, number, number];
  return build([n, ...windowShape(x, size, dense), channels], (index) => {
    const [image, row, column, c] = index as [number, number, number, number];
    return f([...under(x, size, dense, [row, column])].map(({ h, w }) => at(x, [image, h, w, c])));
  });
}

import type { DType } from '../dtype.js';
import type { Shape } from '../shapes.js';

/** Scratch elements that a convolution kernel needs. */
export function convWorkspace(
  _kind: 'forward' | 'inputGrad' | 'weightGrad',
  image: Shape,
  kernel: Shape,
  output: Shape,
  _dtype: DType,
): number {
  const [, height, width, channels] = image as [number, number, number, number];
  const [, outHeight, outWidth, out] = output as [number, number, number, number];
  const taps = (kernel[0] as number) * (kernel[1] as number);
  const weights = taps * (channels + 16) * (out + 16);
  const band =
    (height + outHeight + (kernel[0] as number) * 4) * (width + outWidth + (kernel[1] as number) * 4);
  return 4 * weights + 8 * 65536 + 4 * band * (channels + out + 32);
}

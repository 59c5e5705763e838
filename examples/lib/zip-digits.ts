import { data } from 'chainrule';

/** Pixels along one side of a digit, as in the network of 1989. */
export const SIDE = 16;

/** Images as float32 [count, 16, 16, 1] from -1 (paper) to 1 (ink), and their digits. */
export interface ZipDigits {
  readonly count: number;
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

export interface ZipDigitsOptions {
  /** Number of training images, from the start of MNIST's. Default 7,291, as many as the paper's. */
  readonly train?: number;
  /** Number of test images, from the start of MNIST's. Default 2,007, as many as the paper's. */
  readonly test?: number;
}

/**
 * MNIST digits in the form of the zip-code digits of LeCun et al. (1989): the bounding box of the ink is scaled,
 * keeping its proportions, so that its longer side fills 16 pixels, and centred. A pixel is the mean of the area that
 * it covers.
 */
export async function zipDigits({ train = 7291, test = 2007 }: ZipDigitsOptions = {}): Promise<{
  train: ZipDigits;
  test: ZipDigits;
}> {
  const mnist = await data.mnist();
  return { train: firstOf(mnist.train, train), test: firstOf(mnist.test, test) };
}

function firstOf({ inputs, targets }: data.Dataset, count: number): ZipDigits {
  const [height = 0, width = 0] = inputs.shape;
  const images = new Float32Array(count * SIDE * SIDE);
  for (let i = 0; i < count; i++) {
    const image = { pixels: inputs.data.subarray(i * height * width, (i + 1) * height * width), width };
    images.set(normalise(image), i * SIDE * SIDE);
  }
  return { count, images, labels: Int32Array.from(targets.data.subarray(0, count)) };
}

interface Image {
  /** From 0 to 255. */
  readonly pixels: ArrayLike<number>;
  readonly width: number;
}

/** Scales an image of ink on paper to 16 x 16 pixels from -1 to 1. */
export function normalise(image: Image): Float32Array {
  const { left, top, right, bottom } = inkBox(image);
  const scale = Math.max(right - left, bottom - top) / SIDE;
  const x = (left + right - SIDE * scale) / 2;
  const y = (top + bottom - SIDE * scale) / 2;
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE];
    const ink = meanOver(image, x + column * scale, y + row * scale, scale);
    return (2 * ink) / 255 - 1;
  });
}

/** The smallest box of whole pixels that holds all ink; the whole image if there is none. */
function inkBox({ pixels, width }: Image) {
  const height = pixels.length / width;
  const inked = Array.from(pixels, (value, i) => (value > 0 ? i : -1)).filter((i) => i >= 0);
  if (inked.length === 0) return { left: 0, top: 0, right: width, bottom: height };
  const columns = inked.map((i) => i % width);
  const rows = inked.map((i) => Math.floor(i / width));
  return {
    left: Math.min(...columns),
    top: Math.min(...rows),
    right: Math.max(...columns) + 1,
    bottom: Math.max(...rows) + 1,
  };
}

/** The mean of a square of the image, which is blank beyond its edges. */
function meanOver({ pixels, width }: Image, left: number, top: number, side: number): number {
  const height = pixels.length / width;
  const covered = (from: number, at: number) => Math.min(from + side, at + 1) - Math.max(from, at);
  let sum = 0;
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, top + side); y++) {
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(width, left + side); x++) {
      sum += (pixels[y * width + x] as number) * covered(left, x) * covered(top, y);
    }
  }
  return sum / side ** 2;
}

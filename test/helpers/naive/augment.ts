import { sampleRandom } from '#lib/data/random.js';

/** An image as pixels of channels, in float64. */
export interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly at: (y: number, x: number, c: number) => number;
}

/** An image of numbers in row-major order. */
export function imageOf(values: ArrayLike<number>, [height, width, channels]: readonly number[]): Image {
  const [h, w, n] = [height as number, width as number, channels as number];
  return { height: h, width: w, channels: n, at: (y, x, c) => values[(y * w + x) * n + c] as number };
}

/** The numbers of an image, row by row. */
export function numbersOf({ height, width, channels, at }: Image): number[] {
  const numbers: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) numbers.push(at(y, x, c));
  return numbers;
}

/** The same image as numbers, so that what is built on it is not evaluated again and again. */
const settled = (image: Image): Image =>
  imageOf(numbersOf(image), [image.height, image.width, image.channels]);

export interface Draws {
  readonly seed: number;
  readonly epoch: number;
  readonly position: number;
  readonly index: number;
}

const randomOf = ({ seed, epoch, position, index }: Draws) => sampleRandom(seed, epoch, position, index);
const between = (low: number, high: number, random: () => number) => low + (high - low) * random();

export function naiveFlip(image: Image, probability: [number, number], draws: Draws): Image {
  const random = randomOf(draws);
  const [x, y] = [random() < probability[0], random() < probability[1]];
  const { height, width, at } = image;
  return { ...image, at: (r, k, c) => at(y ? height - 1 - r : r, x ? width - 1 - k : k, c) };
}

/** The position on an axis that numpy.pad takes position `i` from; -1 for a constant. */
function padded(i: number, size: number, mode: string): number {
  if (i >= 0 && i < size) return i;
  if (mode === 'edge') return Math.min(Math.max(i, 0), size - 1);
  if (mode === 'reflect') return i < 0 ? -i : 2 * size - 2 - i;
  if (mode === 'symmetric') return i < 0 ? -i - 1 : 2 * size - 1 - i;
  return -1;
}

export function naiveCrop(
  image: Image,
  {
    size,
    padding,
    mode,
    fill,
  }: { size: [number, number]; padding: [number, number]; mode: string; fill: number },
  draws: Draws,
): Image {
  const random = randomOf(draws);
  const top = Math.floor(random() * (image.height + 2 * padding[0] - size[0] + 1)) - padding[0];
  const left = Math.floor(random() * (image.width + 2 * padding[1] - size[1] + 1)) - padding[1];
  return {
    ...image,
    height: size[0],
    width: size[1],
    at: (y, x, c) => {
      const [r, k] = [padded(top + y, image.height, mode), padded(left + x, image.width, mode)];
      return r < 0 || k < 0 ? fill : image.at(r, k, c);
    },
  };
}

/** torchvision's _get_inverse_affine_matrix, and bilinear interpolation among pixels that are `fill` outside. */
export function naiveAffine(
  image: Image,
  given: {
    degrees: [number, number];
    translate: [number, number];
    scale: [number, number];
    shear: [[number, number], [number, number]];
    fill: number;
  },
  draws: Draws,
): Image {
  const random = randomOf(draws);
  const { height, width } = image;
  const radians = Math.PI / 180;
  const rotation = between(...given.degrees, random) * radians;
  const [down, right] = [given.translate[0] * height, given.translate[1] * width];
  const moveY = Math.round(between(-down, down, random));
  const moveX = Math.round(between(-right, right, random));
  const scale = between(...given.scale, random);
  const shearX = between(...given.shear[0], random) * radians;
  const shearY = between(...given.shear[1], random) * radians;
  const a = Math.cos(rotation - shearY) / Math.cos(shearY);
  const b = (-Math.cos(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) - Math.sin(rotation);
  const c = Math.sin(rotation - shearY) / Math.cos(shearY);
  const d = (-Math.sin(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) + Math.cos(rotation);
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const pixel = (y: number, x: number, k: number) =>
    y >= 0 && y < height && x >= 0 && x < width ? image.at(y, x, k) : given.fill;
  return settled({
    ...image,
    at: (y, x, k) => {
      const [dx, dy] = [x - centreX - moveX, y - centreY - moveY];
      const fromX = (d * dx - b * dy) / scale + centreX;
      const fromY = (-c * dx + a * dy) / scale + centreY;
      const [x0, y0] = [Math.floor(fromX), Math.floor(fromY)];
      const [u, v] = [fromX - x0, fromY - y0];
      return (
        (1 - v) * ((1 - u) * pixel(y0, x0, k) + u * pixel(y0, x0 + 1, k)) +
        v * ((1 - u) * pixel(y0 + 1, x0, k) + u * pixel(y0 + 1, x0 + 1, k))
      );
    },
  });
}

export function naiveJitter(
  image: Image,
  ranges: [[number, number], [number, number], [number, number]],
  bound: number,
  draws: Draws,
): Image {
  const random = randomOf(draws);
  const orders = ['012', '021', '102', '120', '201', '210'];
  const order = orders[Math.floor(random() * 6)] as string;
  const factors = ranges.map(([low, high]) => between(low, high, random));
  const clamp = (value: number) => Math.min(Math.max(value, 0), bound);
  const greyOf = ({ at, channels }: Image, y: number, x: number) =>
    channels === 1 ? at(y, x, 0) : 0.2989 * at(y, x, 0) + 0.587 * at(y, x, 1) + 0.114 * at(y, x, 2);
  let current = image;
  for (const which of order) {
    const before = settled(current);
    const factor = factors[Number(which)] as number;
    let sum = 0;
    for (let y = 0; y < image.height; y++)
      for (let x = 0; x < image.width; x++) sum += greyOf(before, y, x) / (image.height * image.width);
    const other = (y: number, x: number) => (which === '0' ? 0 : which === '1' ? sum : greyOf(before, y, x));
    current = {
      ...image,
      at: (y, x, c) => clamp(factor * before.at(y, x, c) + (1 - factor) * other(y, x)),
    };
  }
  return settled(current);
}

export function naiveCutout(image: Image, size: number, fill: number, draws: Draws): Image {
  const random = randomOf(draws);
  const [y, x] = [Math.floor(random() * image.height), Math.floor(random() * image.width)];
  const [top, left] = [y - Math.floor(size / 2), x - Math.floor(size / 2)];
  return {
    ...image,
    at: (r, k, c) => (r >= top && r < top + size && k >= left && k < left + size ? fill : image.at(r, k, c)),
  };
}

/** Box & Muller: words two by two make normal numbers two by two, of 24 bits each. */
export function naiveNoise(image: Image, std: number, draws: Draws): Image {
  const random = randomOf(draws);
  const normals: number[] = [];
  for (let i = 0; i < image.height * image.width * image.channels; i += 2) {
    const [first, second] = [Math.floor(random() * 2 ** 24), Math.floor(random() * 2 ** 24)];
    const radius = Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 24));
    const angle = (2 * Math.PI * second) / 2 ** 24;
    normals.push(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  const noise = imageOf(normals, [image.height, image.width, image.channels]);
  return { ...image, at: (y, x, c) => image.at(y, x, c) + std * noise.at(y, x, c) };
}

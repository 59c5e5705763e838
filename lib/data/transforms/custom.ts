import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { TypedArray } from '../../graph/dtype.js';
import { invalid, requireInteger } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import { requireKnown } from './checks.js';
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

/** Argument of a module's function. The arrays belong to the worker, which reuses them for the next sample. */
export interface Sample {
  /** Index in the data set. */
  readonly index: number;
  /** Number of the epoch, from 1; 0 in an evaluation. */
  readonly epoch: number;
  /** The stored values, or the result of the transform before. */
  readonly inputs: TypedArray;
  /** The target, which the function may change. */
  readonly target: TypedArray;
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
export type SampleFunction = (sample: Sample, options: unknown) => ArrayLike<number> | undefined;

/**
 * A custom transform: a module with a `SampleFunction` as its default export, which each worker imports.
 *
 * @param path an absolute path, or a file URL such as `new URL('./decode.js', import.meta.url)`
 * @throws ChainruleError if there is no such file
 */
export function custom(path: string | URL, options: CustomOptions = {}): Custom {
  requireKnown('custom', options, ['options', 'shape', 'dtype', 'onBadItem']);
  const { shape = null, dtype = 'float32', onBadItem = 'error', options: given } = options;
  for (const size of shape ?? []) requireInteger('custom', 'each size of the shape', size, { min: 1 });
  if (dtype !== 'float32' && dtype !== 'uint8')
    throw invalid('custom', 'dtype must be float32 or uint8', dtype);
  if (onBadItem !== 'error' && onBadItem !== 'skip')
    throw invalid('custom', "onBadItem must be 'error' or 'skip'", onBadItem);
  try {
    structuredClone(given);
  } catch {
    throw invalid('custom', 'options must be plain data, as they are sent to threads', given);
  }
  return { kind: 'custom', url: urlOf(path), options: given, shape, dtype, onBadItem };
}

function urlOf(path: string | URL): string {
  const text = String(path);
  if (!text.startsWith('file:') && !isAbsolute(text))
    throw invalid('custom', 'the module needs an absolute path or a file URL', text);
  const url = text.startsWith('file:') ? new URL(text) : pathToFileURL(text);
  if (!existsSync(fileURLToPath(url))) throw invalid('custom', 'there is no such module', text);
  return url.href;
}

import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { TypedArray } from '../../graph/dtype.js';
import { invalid, requireInteger } from '../../graph/errors.js';
import type { Shape } from '../../graph/shapes.js';
import { requireKnown } from './checks.js';
import type { Custom, OnBadItem } from './transform.js';

export interface CustomOptions {
  /** Handed to the function with each sample; plain data. */
  readonly options?: unknown;
  /** Of what the function gives. Default: the shape of what it gets. */
  readonly shape?: Shape;
  /** Of what the function gives; transforms behind it take 'uint8' for bytes from 0 to 255. Default 'float32'. */
  readonly dtype?: 'float32' | 'uint8';
  /**
   * What becomes of a sample for which the function throws: an error that names its index, or 'skip', where the next
   * sample of the batch that can be loaded stands in for it, and it is counted. Default 'error'.
   */
  readonly onBadItem?: OnBadItem;
}

/** What a module's function is called with. The arrays are the worker's own, and used again for the next sample. */
export interface Sample {
  /** In the data set. */
  readonly index: number;
  /** From 1; 0 in an evaluation. */
  readonly epoch: number;
  /** What is stored, or what the transform before made of it. */
  readonly inputs: TypedArray;
  /** May be written to. */
  readonly target: TypedArray;
  /** Zeros, for the result. */
  readonly output: TypedArray;
  /** Random numbers from 0 to less than 1, which depend on seed, epoch, transform and sample only. */
  random(): number;
}

/** What a module exports by default: writes `sample.output`, or gives as many numbers. It must not be asynchronous. */
export type SampleFunction = (sample: Sample, options: unknown) => ArrayLike<number> | undefined;

/**
 * A transform of your own: a module that exports a `SampleFunction` by default, which each worker imports.
 *
 * @param path absolute, or a file URL as `new URL('./decode.js', import.meta.url)`
 * @throws ChainruleError when there is no such file
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

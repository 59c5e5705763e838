import { invalid } from '../graph/errors.js';
import { Dataset } from './dataset.js';
import { StreamDataset } from './stream.js';

/**
 * Checks that an argument is a data set.
 *
 * @param name of the argument, for the error
 */
export function requireDataset(op: string, data: unknown, name = 'data'): Dataset {
  if (data instanceof Dataset) return data;
  throw invalid(op, `${name} must be a Dataset, as data.fromArrays() makes${hintFor(data)}`, data);
}

/** Checks that an argument is a data set or a stream. */
export function requireData(op: string, data: unknown): Dataset | StreamDataset {
  if (data instanceof Dataset || data instanceof StreamDataset) return data;
  const expected = 'data must be a Dataset, as data.fromArrays() makes, or a stream, as data.stream() makes';
  throw invalid(op, `${expected}${hintFor(data)}`, data);
}

/** What was probably meant by something that is no data set. */
export function hintFor(given: unknown): string {
  if (given instanceof StreamDataset)
    return '; the items of a stream are not there yet: take some into a Dataset';
  if (typeof given === 'function') return '; data.stream() takes a function that opens an iterable';
  if (typeof given !== 'object' || given === null || Array.isArray(given) || ArrayBuffer.isView(given))
    return '';
  if ('then' in given) return '; a promise needs await first';
  const iterable = Symbol.asyncIterator in given || Symbol.iterator in given;
  return iterable ? '; an iterable needs data.stream(() => iterable, { inputs: { shape } })' : '';
}

import type { Kind } from '../graph/arguments/kind.js';
import { invalid } from '../graph/errors.js';
import { type AnyDataset, Dataset } from './dataset.js';
import { type AnyStream, StreamDataset } from './stream.js';

// The kinds of data that training takes.

export const dataset: Kind<AnyDataset> = dataKind(
  'a Dataset, as data.fromArrays() makes',
  (value) => value instanceof Dataset,
);

export const datasetOrStream: Kind<AnyDataset | AnyStream> = dataKind(
  'a Dataset, as data.fromArrays() makes, or a stream, as data.stream() makes',
  (value) => value instanceof Dataset || value instanceof StreamDataset,
);

function dataKind<T>(description: string, accepts: (value: unknown) => boolean): Kind<T> {
  return {
    description,
    accepts,
    explain: (op, name, value) => invalid(op, `${name} must be ${description}${hintFor(value)}`, value),
  };
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

import { isRecord } from '../graph/arguments/is-record.js';
import { either, type Kind, kind } from '../graph/arguments/kind.js';
import type { FileTensor } from './file-dtypes.js';

// The kinds of values that files are read from and written of.

/** No file has an empty name, or one with a null character. */
export const path: Kind<string> = kind(
  'a path',
  (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
);

/** An object whose values are checked one by one, with their names. */
export function namedValues<T>(description: string): Kind<Readonly<Record<string, T>>> {
  return kind(description, isRecord);
}

export const tensorData: Kind<FileTensor> = kind('{ dtype, shape, data }', (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { shape, data } = value as Partial<Record<keyof FileTensor, unknown>>;
  return Array.isArray(shape) && ArrayBuffer.isView(data);
});

/** Tensors by name, each of which is checked when it is used. */
export const namedTensors: Kind<Readonly<Record<string, FileTensor>>> = kind(
  'an object of { dtype, shape, data } by name',
  (value) => isRecord(value) && Object.values(value).every((tensor) => tensorData.accepts(tensor)),
);

export const bytes: Kind<Uint8Array> = kind('the bytes of a file', (value) => value instanceof Uint8Array);

/** A file to read, on a disk or in memory. */
export const file: Kind<string | Uint8Array> = either(path, bytes);

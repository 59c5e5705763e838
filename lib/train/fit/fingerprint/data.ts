import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Digest, Fingerprint, Plain } from '../../../checkpoint/fingerprint.js';
import { type Columns, columnsOn, mapColumns } from '../../../data/columns.js';
import { type Field, gatherSamples, lengthOf } from '../../../data/field.js';
import type { AnyDataset, AnyStream } from '../../../data/index.js';
import type { ColumnTransforms } from '../../../data/transforms/by-input.js';
import type { Form } from '../../../data/transforms/program.js';
import type { Transform } from '../../../data/transforms/transform.js';
import { allocate, bytesPerElement } from '../../../graph/dtype.js';
import { formatType } from '../../../graph/errors.js';
import { sizeOf } from '../../../graph/shapes.js';
import { digestOf } from './graph-digest.js';
import { plainOf } from './plain.js';

/** Bytes of a field in memory that are looked at: all, if it has no more. About 10 ms. */
const MOST_BYTES = 2 ** 24;
/** Bytes in a row of what is looked at in a larger field. */
const BLOCK = 4096;
/** Bytes and samples of a field in a file that are looked at: each sample may have to be read from the disk. */
const MOST_MAPPED_BYTES = 2 ** 22;
const MOST_MAPPED_SAMPLES = 256;
const DIGITS = 16;

/** Samples: their number, form and values, of which a part is looked at if there are many, and their transforms. */
export function dataFingerprint(name: string, { length, source }: AnyDataset): Fingerprint {
  return {
    [`${name}.length`]: length,
    ...named(name, mapColumns(source.columns, fieldPart)),
    ...transformsPart(name, source),
  };
}

/** A stream: the form of its items and their transforms; the items themselves are not there yet. */
export function streamFingerprint({ source, onBadItem }: AnyStream): Fingerprint {
  return {
    'data.length': 'a stream',
    ...named('data', mapColumns(source.columns, formatType)),
    ...transformsPart('data', source),
    'data.onBadItem': onBadItem,
  };
}

/** Parts for the columns of a data set: `data.inputs`, `data.inputs.user`. */
function named(name: string, parts: Columns<Plain>): Fingerprint {
  return Object.fromEntries(Object.entries(parts).map(([column, part]) => [`${name}.${column}`, part]));
}

/** Parts for the transforms of each input: `data.transforms`, `data.transforms.user`. */
function transformsPart(
  name: string,
  { columns, transforms }: { readonly columns: Columns<unknown>; readonly transforms: ColumnTransforms },
): Fingerprint {
  const parts = columnsOn(columns, 'inputs').map((column): [string, Plain] => {
    const list = transforms[column] ?? [];
    return [`transforms${column.slice('inputs'.length)}`, list.map(transformPart)];
  });
  return named(name, Object.fromEntries(parts));
}

function fieldPart(field: Field): Digest {
  const form: Form = { dtype: field.dtype, shape: field.shape };
  const hash = createHash('sha256').update(formatType(form));
  for (const bytes of field.mapped ? mappedSamples(field) : samplesInMemory(field)) hash.update(bytes);
  return { text: formatType(form), digest: hash.digest('hex').slice(0, DIGITS), of: 'values' };
}

/** All bytes, or blocks from evenly spread places. */
function* samplesInMemory({ data }: Field): Generator<Uint8Array> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length <= MOST_BYTES) {
    yield bytes;
    return;
  }
  for (const start of spread(MOST_BYTES / BLOCK, bytes.length - BLOCK)) {
    yield bytes.subarray(start, start + BLOCK);
  }
}

function* mappedSamples(field: Field): Generator<Uint8Array> {
  const size = sizeOf(field.shape);
  const length = lengthOf(field);
  const bytes = size * bytesPerElement(field.dtype);
  const most = Math.max(1, Math.min(MOST_MAPPED_SAMPLES, Math.floor(MOST_MAPPED_BYTES / bytes)));
  const all = length * bytes <= MOST_MAPPED_BYTES;
  const indices = all ? Int32Array.from({ length }, (_, i) => i) : Int32Array.from(spread(most, length - 1));
  const samples = allocate(field.dtype, indices.length * size);
  gatherSamples(field, indices, samples);
  yield new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** Golden-ratio steps, which fall in with no period of the data. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Integers from 0 to `last`, both among them, one from each of `count` equal parts of the range. */
function spread(count: number, last: number): number[] {
  const places = Array.from({ length: count }, (_, i) => {
    const within = i === 0 ? 0 : (i * GOLDEN) % 1;
    return Math.floor(((i + within) / count) * last);
  });
  return [...new Set([...places, last])];
}

/** A transform with its settings; a module by its name and source, since it may lie elsewhere now. */
function transformPart({ kind, ...settings }: Transform): Plain {
  if (!('url' in settings)) return { op: kind, ...(plainOf(settings) as object) };
  const { url, ...rest } = settings;
  const path = fileURLToPath(url);
  return {
    op: basename(path),
    ...(plainOf(rest) as object),
    source: { text: 'its source', digest: digestOf(readFileSync(path)), of: 'text' },
  };
}

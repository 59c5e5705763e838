import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { bytesPerElement, type DType, dtypes, isDType } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { type Shape, sizeOf } from '../graph/shapes.js';
import { mapStructure, type Structure, type StructureLike, structured } from '../graph/structure.js';
import { path as pathKind } from '../io/kinds.js';
import { requireRegular } from '../io/regular-file.js';
import { readSafetensorsHeader } from '../io/safetensors.js';
import { Dataset } from './dataset.js';
import type { Field, FileRows } from './field.js';
import { readIdxHead } from './idx.js';
import { MappedField } from './mapped-field.js';

export interface MapFileOptions {
  readonly dtype: DType;
  /** Shape of one sample; `[]` for one number per sample. */
  readonly shape: Shape;
  /** Offset of the first sample in bytes, a multiple of the size of an element. Default 0. */
  readonly offset?: number;
  /** Number of samples. Default: all up to the end of the file. */
  readonly length?: number;
}

const mapFileOptions = optionsOf<MapFileOptions>({
  dtype: needed(kinds.dtype),
  shape: needed(kinds.sampleShape),
  offset: kinds.index,
  length: kinds.count,
});

/**
 * Maps a file of consecutive samples, in the byte order of the machine, as one side of a data set: `new
 * data.Dataset(data.mapFile('images.bin', { dtype: 'uint8', shape: [224, 224, 3] }), labels)`. The file may be larger
 * than the memory; see `MappedField`.
 *
 * @throws ChainruleError or Error naming the file if it is missing, cut short, ends within a sample, or is misaligned
 */
export const mapFile = checked(
  'mapFile',
  { path: pathKind, options: mapFileOptions },
  (path: string, options: MapFileOptions): MappedField => {
    const { dtype, shape, offset = 0, length } = options;
    const sampleBytes = sizeOf(shape) * bytesPerElement(dtype);
    const rows = { path: resolve(path), offset, length: length ?? rowsToTheEnd(path, offset, sampleBytes) };
    return mapRows(dtype, shape, rows);
  },
);

/**
 * Maps an IDX file of bytes as one side of a data set; its first axis counts the samples. IDX files of wider numbers
 * have the wrong byte order: `readIdx` reads them into memory.
 */
export const mapIdx = checked('mapIdx', { path: pathKind }, async (path: string): Promise<MappedField> => {
  const { dtype, shape, dataStart } = await readIdxHead(path);
  if (dtype !== 'uint8')
    throw invalid(path, 'only uint8 can be mapped; readIdx reads other IDX files', dtype);
  const [length = 0, ...sample] = shape;
  if (length === 0) throw invalid(path, 'needs at least one sample', formatShape(shape));
  return mapRows(dtype, sample, { path: resolve(path), offset: dataStart, length });
});

/** Names of the tensors that are the sides of a data set; of several, a list or a record of names. */
interface FieldNames {
  readonly inputs: Structure<string>;
  readonly targets: Structure<string>;
  readonly weights?: Structure<string>;
}

const names = structured(kinds.string, 'names');

/** The fields for names of tensors. */
type FieldsNamed<S> = StructureLike<S, string, Field>;

/**
 * Maps tensors of a safetensors file as a data set; their first axes count the samples.
 *
 * @param names names of the tensors: `mapSafetensors('train.safetensors', { inputs: 'images', targets: 'labels' })`, or
 *   lists or records of them, as `{ inputs: { user: 'users', item: 'items' }, targets: 'ratings' }`
 */
export const mapSafetensors = checked(
  'mapSafetensors',
  {
    path: pathKind,
    names: optionsOf<FieldNames>({ inputs: needed(names), targets: needed(names), weights: names }),
  },
  async <I extends Structure<string>, T extends Structure<string>>(
    path: string,
    { inputs, targets, weights }: FieldNames & { readonly inputs: I; readonly targets: T },
  ): Promise<Dataset<FieldsNamed<I>, FieldsNamed<T>>> => {
    const { tensors, dataStart } = await readSafetensorsHeader(path);
    const field = (name: string): Field => {
      const entry = tensors.find((tensor) => tensor.name === name);
      if (!entry) {
        const known = tensors.map((tensor) => tensor.name);
        throw invalid(path, `has no tensor ${name}; its tensors are ${known.slice(0, 20).join(', ')}`);
      }
      const [length = 0, ...shape] = entry.shape;
      if (length === 0 || sizeOf(shape) === 0)
        throw invalid(path, `tensor ${name} must have samples`, formatShape(entry.shape));
      if (!isDType(entry.dtype))
        throw invalid(
          path,
          `tensor ${name} must have a dtype of ${dtypes.join(', ')} to be mapped`,
          entry.dtype,
        );
      return mapRows(entry.dtype, shape, { path: resolve(path), offset: dataStart + entry.begin, length });
    };
    const fields = (side: Structure<string>) => mapStructure(side, kinds.string, field);
    return new Dataset(
      fields(inputs) as FieldsNamed<I>,
      fields(targets) as FieldsNamed<T>,
      [],
      weights === undefined ? undefined : fields(weights),
    );
  },
);

function mapRows(dtype: DType, shape: Shape, rows: FileRows): MappedField {
  const bytes = bytesPerElement(dtype);
  if (rows.offset % bytes !== 0) {
    const expected = `${dtype} must start at a multiple of ${bytes} bytes to be mapped`;
    throw invalid(rows.path, expected, rows.offset);
  }
  return new MappedField(dtype, shape, rows);
}

function rowsToTheEnd(path: string, offset: number, sampleBytes: number): number {
  const stats = statSync(path);
  requireRegular(path, stats);
  const bytes = stats.size - offset;
  if (bytes > 0 && bytes % sampleBytes === 0) return bytes / sampleBytes;
  throw invalid(path, `must hold whole samples of ${sampleBytes} bytes from byte ${offset} on`, bytes);
}

import { invalid } from '../../graph/errors.js';
import type { ByteSource } from '../byte-source.js';
import type { FileDType } from '../file-dtypes.js';
import { byteSize } from '../safetensors-header.js';
import { type Descr, formatDescr, parseDescr } from './descr.js';
import { type Literal, parseLiteral } from './literal.js';

// The header of an .npy file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): six magic bytes,
// the version, the length of the text, and the text: a dict of Python, padded with spaces.

/** What the header of an array says. */
export interface NpyHeader extends Descr {
  readonly shape: readonly number[];
  /** True if the first axis varies fastest. */
  readonly isColumnMajor: boolean;
  /** The bytes before the elements. */
  readonly headerBytes: number;
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** The elements begin at a multiple of it. */
const ALIGNMENT = 64;
/** NumPy reads and makes no array of more. */
const MOST_AXES = 64;
/** Digits of the longest axis that NumPy leaves room for. */
const MOST_DIGITS = 21;
/** Only structured arrays have long headers. */
const MOST_TEXT = 2 ** 20;

/** The header of a row-major array, as NumPy writes it. */
export function encodeNpyHeader(source: string, dtype: FileDType, shape: readonly number[]): Uint8Array {
  if (shape.length > MOST_AXES) throw invalid(source, `NumPy has at most ${MOST_AXES} axes`, shape.length);
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  // NumPy leaves room for the first axis to grow, so that a file can be appended to.
  const room = ' '.repeat(shape.length > 0 ? MOST_DIGITS - `${shape[0]}`.length : 0);
  const dict = `{'descr': '${formatDescr(source, dtype)}', 'fortran_order': False, 'shape': ${tuple}, }${room}`;
  const prefix = MAGIC.length + 4;
  // At least one space, as NumPy has it.
  const total = (Math.floor((prefix + dict.length + 1) / ALIGNMENT) + 1) * ALIGNMENT;
  const bytes = new TextEncoder().encode(`${dict.padEnd(total - prefix - 1)}\n`);
  const header = new Uint8Array(total);
  header.set(MAGIC);
  header[MAGIC.length] = 1;
  new DataView(header.buffer).setUint16(MAGIC.length + 2, bytes.length, true);
  header.set(bytes, prefix);
  return header;
}

/**
 * Reads and checks the header of an .npy file. If it passes, the elements are all that follows.
 *
 * @throws ChainruleError naming the source for an array that is not read, or whose size is not that of its elements
 */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const { label, size } = source;
  const [start, length, version] = textPlace(label, await source.head(12));
  if (length > MOST_TEXT) throw invalid(label, `the header may have ${MOST_TEXT} bytes`, length);
  if (start + length > size)
    throw invalid(label, `the header ends at byte ${start + length}, the file before`, size);
  const text = decodeText(label, (await source.head(start + length)).subarray(start), version);
  const { shape, ...facts } = parseFacts(label, text);
  const bytes = byteSize(label, facts.dtype, shape);
  const headerBytes = start + length;
  if (bytes !== size - headerBytes)
    throw invalid(
      label,
      `${facts.dtype} [${shape.join(',')}] takes ${bytes} bytes after the header`,
      size - headerBytes,
    );
  return { shape, ...facts, headerBytes };
}

/** Where the text is, and the version of the format. */
function textPlace(label: string, prefix: Uint8Array): [start: number, length: number, version: number] {
  if (prefix.length < 10 || MAGIC.some((byte, i) => prefix[i] !== byte))
    throw invalid(label, 'is not an .npy file, which begins with \\x93NUMPY');
  const [major = 0, minor = 0] = prefix.subarray(MAGIC.length);
  if (major < 1 || major > 3 || minor !== 0)
    throw invalid(label, 'the version of the .npy format must be 1.0, 2.0 or 3.0', `${major}.${minor}`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
  if (major === 1) return [10, view.getUint16(8, true), major];
  if (prefix.length < 12) throw invalid(label, 'the header must have 12 bytes', prefix.length);
  return [12, view.getUint32(8, true), major];
}

function decodeText(label: string, bytes: Uint8Array, version: number): string {
  if (version < 3) return Buffer.from(bytes).toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(label, 'the header of version 3.0 must be UTF-8');
  }
}

function parseFacts(label: string, text: string): Omit<NpyHeader, 'headerBytes'> {
  const dict = parseLiteral(label, text);
  if (!(dict instanceof Map) || dict.size !== 3)
    throw invalid(label, "the header must be a dict of 'descr', 'fortran_order' and 'shape'");
  const { dtype, isBigEndian } = parseDescr(label, dict.get('descr'));
  const isColumnMajor: Literal | undefined = dict.get('fortran_order');
  if (typeof isColumnMajor !== 'boolean')
    throw invalid(label, 'fortran_order must be True or False', isColumnMajor);
  const shape: Literal | undefined = dict.get('shape');
  if (!isSizes(shape)) throw invalid(label, 'the shape must be a tuple of non-negative integers', shape);
  if (shape.length > MOST_AXES) throw invalid(label, `an array has at most ${MOST_AXES} axes`, shape.length);
  return { dtype, isBigEndian, isColumnMajor, shape };
}

function isSizes(value: Literal | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

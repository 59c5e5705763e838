import { failed, formatShape, invalid } from '../graph/errors.js';
import { shortened } from '../text/names.js';
import { bitsPerElement, type FileDType } from './file-dtypes.js';

/** Location of one tensor: `begin` and `end` are byte offsets from the start of the data section. */
export interface TensorEntry {
  name: string;
  dtype: FileDType;
  shape: number[];
  begin: number;
  end: number;
}

/** Header of a safetensors file. */
export interface SafetensorsHeader {
  /** In the order of the header. */
  tensors: TensorEntry[];
  /** Free text kept with the tensors; an object without a prototype. */
  metadata: Record<string, string>;
  /** Offset of the data section from the start of the file, in bytes. */
  dataStart: number;
}

/** The file starts with the length of the JSON header: eight bytes, little-endian. */
export const LENGTH_BYTES = 8;
/** Limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA_KEY = '__metadata__';

const codes: Readonly<Record<FileDType, string>> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
  int8: 'I8',
  int16: 'I16',
  uint16: 'U16',
  uint32: 'U32',
  int64: 'I64',
  uint64: 'U64',
  float16: 'F16',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e8m0fnu: 'F8_E8M0',
  float6_e2m3: 'F6_E2M3',
  float6_e3m2: 'F6_E3M2',
  float4_e2m1: 'F4',
  complex64: 'C64',
};
const dtypesByCode = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as FileDType]));

/** Writes the length and the JSON header, padded with spaces so that the data section starts 8-aligned. */
export function encodeHeader(entries: TensorEntry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const members = entries.map(({ name, dtype, shape, begin, end }) => {
    if (name === METADATA_KEY) throw invalid('safetensors', `a tensor cannot be called ${METADATA_KEY}`);
    return member(name, { dtype: codes[dtype], shape, data_offsets: [begin, end] });
  });
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw invalid('safetensors', `metadata ${key} must be a string`, value);
  }
  if (Object.keys(metadata).length > 0) members.unshift(member(METADATA_KEY, metadata));
  // Joined by hand: an object would put names such as "0" first, and lose "__proto__".
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw invalid('safetensors', `the header may have ${MAX_HEADER_BYTES} bytes`, length);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

function member(name: string, value: unknown): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

/**
 * Reads the length of the JSON header from the first eight bytes.
 *
 * @param source name of the file in errors
 * @param prefix the first bytes of the file, eight if it has as many
 * @param fileBytes size of the whole file
 */
export function decodeHeaderLength(source: string, prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < LENGTH_BYTES || fileBytes < LENGTH_BYTES) {
    throw invalid(source, `a safetensors file has at least ${LENGTH_BYTES} bytes`, fileBytes);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(source, `the safetensors header may have ${MAX_HEADER_BYTES} bytes`, `${length}`);
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw invalid(
      source,
      `the safetensors header has ${length} bytes but only ${fileBytes - LENGTH_BYTES} follow`,
    );
  }
  return Number(length);
}

/**
 * Reads and checks the JSON header. If it passes, every tensor lies within the data section, and each byte there
 * belongs to exactly one tensor.
 *
 * @param source name of the file in errors
 * @param json the header's bytes
 * @param dataBytes size of the data section
 */
export function decodeHeader(source: string, json: Uint8Array, dataBytes: number): SafetensorsHeader {
  const members = parseObject(source, json);
  const metadata: Record<string, string> = Object.create(null);
  const tensors: TensorEntry[] = [];
  for (const [name, value] of Object.entries(members)) {
    if (name === METADATA_KEY) Object.assign(metadata, decodeMetadata(source, value));
    else tensors.push(decodeEntry(labelOf(source, name), name, value, dataBytes));
  }
  requireTiling(source, tensors, dataBytes);
  return { tensors, metadata, dataStart: LENGTH_BYTES + json.length };
}

function parseObject(source: string, json: Uint8Array): Record<string, unknown> {
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw failed('ERR_CHAINRULE_INVALID', source, 'the safetensors header is not valid JSON', { cause });
  }
  if (!isObject(value)) throw invalid(source, 'the safetensors header must be a JSON object', value);
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined) throw invalid(labelOf(source, repeated), 'stands twice in the header');
  return value;
}

/** The first key that occurs twice at the top level: JSON.parse silently keeps the last of equal keys. */
function findRepeatedKey(json: string): string | undefined {
  const keys = new Set<string>();
  let depth = 0;
  let string = '';
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '"') {
      const start = i;
      while (json[++i] !== '"') if (json[i] === '\\') i++;
      string = json.slice(start, i + 1);
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === ':' && depth === 1) {
      const key: string = JSON.parse(string);
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function decodeMetadata(source: string, value: unknown): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (!isObject(value)) throw invalid(source, `${METADATA_KEY} must be an object of strings`, value);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw invalid(source, `${METADATA_KEY}.${key} must be a string`, text);
    metadata[key] = text;
  }
  return metadata;
}

function decodeEntry(source: string, name: string, value: unknown, dataBytes: number): TensorEntry {
  if (!isObject(value)) throw invalid(source, 'must be an object of dtype, shape and data_offsets', value);
  const dtype = dtypesByCode.get(value.dtype as string);
  if (!dtype)
    throw invalid(source, `dtype must be one of ${[...dtypesByCode.keys()].join(', ')}`, value.dtype);
  if (!isSizes(value.shape)) throw invalid(source, 'shape must be non-negative integers', value.shape);
  const offsets = value.data_offsets;
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw invalid(source, 'data_offsets must be two non-negative integers', offsets);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw invalid(source, 'data_offsets are reversed', offsets);
  if (end > dataBytes) throw invalid(source, `data_offsets pass the end of ${dataBytes} data bytes`, offsets);
  const bytes = byteSize(source, dtype, value.shape);
  if (bytes !== end - begin) {
    throw invalid(source, `${dtype} [${value.shape.join(',')}] takes ${bytes} bytes`, end - begin);
  }
  return { name, dtype, shape: value.shape, begin, end };
}

/** Label of a tensor in errors, cut short, since a name may be as long as the header. */
export function labelOf(source: string, name: string): string {
  return `${source}: tensor ${shortened(name)}`;
}

/** Number of bytes of a tensor; throws if the product is too large to be exact, or ends within a byte. */
export function byteSize(source: string, dtype: FileDType, shape: readonly number[]): number {
  let bits = bitsPerElement(dtype);
  for (const size of shape) {
    bits *= size;
    if (!Number.isSafeInteger(bits)) throw invalid(source, 'shape is too large', shape);
  }
  if (bits % 8 !== 0)
    throw invalid(source, `shape ${formatShape(shape)} of ${dtype} must fill whole bytes`, bits);
  return bits / 8;
}

/** Checks that the tensors, sorted by offset, cover the data section without gaps or overlaps. */
function requireTiling(source: string, tensors: TensorEntry[], dataBytes: number): void {
  const sorted = [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const tensor of sorted) {
    if (tensor.begin < end) throw invalid(labelOf(source, tensor.name), 'overlaps the tensor before it');
    if (tensor.begin > end) {
      throw invalid(labelOf(source, tensor.name), `${tensor.begin - end} unused bytes before it`);
    }
    end = tensor.end;
  }
  if (end !== dataBytes) throw invalid(source, `${dataBytes - end} unused bytes after the last tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

// The records of a zip archive (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), for entries that are
// stored. Numbers are little-endian; those that do not fit 32 bits stand in records of zip64.

/** What the headers of an entry say. */
export interface Facts {
  readonly name: Uint8Array;
  readonly size: number;
  readonly crc: number;
  /** Offset of its local header in the file. */
  readonly position: number;
}

/** The first 32-bit number that says "see zip64". */
const MAX_32 = 0xffffffff;
const MAX_16 = 0xffff;
/** 1 January 1980. */
const FIRST_DATE = 0x21;
const UTF8_NAME = 0x800;
/** Version 4.5 has zip64, 2.0 has all else. */
const versionFor = (isLarge: boolean) => (isLarge ? 45 : 20);

/** What stands before the bytes of an entry. */
export function localHeader({ name, size, crc }: Facts): Uint8Array {
  const isLarge = size >= MAX_32;
  const extra = isLarge ? zip64Extra([size, size]) : new Uint8Array();
  return record([
    [4, 0x04034b50],
    [2, versionFor(isLarge)],
    ...commonFields(name, crc, [size, size]),
    [2, extra.length],
    name,
    extra,
  ]);
}

/** The line of an entry in the directory. */
export function directoryHeader({ name, size, crc, position }: Facts): Uint8Array {
  const large = [...(size >= MAX_32 ? [size, size] : []), ...(position >= MAX_32 ? [position] : [])];
  const extra = large.length > 0 ? zip64Extra(large) : new Uint8Array();
  const version = versionFor(large.length > 0);
  return record([
    [4, 0x02014b50],
    [2, version],
    [2, version],
    ...commonFields(name, crc, [size, size]),
    [2, extra.length],
    // No comment, the first disk, no attributes.
    [2, 0],
    [2, 0],
    [2, 0],
    [4, 0],
    [4, Math.min(position, MAX_32)],
    name,
    extra,
  ]);
}

/** What stands at the end of an archive. */
export function endOfDirectory(entries: number, position: number, bytes: number): Uint8Array {
  const isLarge = entries >= MAX_16 || position >= MAX_32 || bytes >= MAX_32;
  return record([
    ...(isLarge ? zip64End(entries, position, bytes) : []),
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(entries, MAX_16)],
    [2, Math.min(entries, MAX_16)],
    [4, Math.min(bytes, MAX_32)],
    [4, Math.min(position, MAX_32)],
    [2, 0],
  ]);
}

/** A number with its bytes, or bytes as they are. */
type Field = readonly [bytes: 2 | 4 | 8, value: number] | Uint8Array;

function commonFields(name: Uint8Array, crc: number, sizes: readonly [number, number]): Field[] {
  const isAscii = name.every((byte) => byte >= 0x20 && byte < 0x7f);
  return [
    [2, isAscii ? 0 : UTF8_NAME],
    // Stored.
    [2, 0],
    [2, 0],
    [2, FIRST_DATE],
    [4, crc],
    ...sizes.map((size): Field => [4, Math.min(size, MAX_32)]),
    [2, name.length],
  ];
}

function zip64Extra(values: readonly number[]): Uint8Array {
  return record([[2, 1], [2, 8 * values.length], ...values.map((value): Field => [8, value])]);
}

function zip64End(entries: number, position: number, bytes: number): Field[] {
  return [
    [4, 0x06064b50],
    // The bytes of this record from here on.
    [8, 44],
    [2, 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, entries],
    [8, entries],
    [8, bytes],
    [8, position],
    // Where this record is.
    [4, 0x07064b50],
    [4, 0],
    [8, position + bytes],
    [4, 1],
  ];
}

function record(fields: readonly Field[]): Uint8Array {
  const size = fields.reduce((sum, field) => sum + (isNumber(field) ? field[0] : field.length), 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const field of fields) {
    if (!isNumber(field)) {
      bytes.set(field, at);
      at += field.length;
      continue;
    }
    const [width, value] = field;
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

function isNumber(field: Field): field is readonly [2 | 4 | 8, number] {
  return Array.isArray(field);
}

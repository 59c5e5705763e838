import { deflateRawSync } from 'node:zlib';
import { crc32ByTable } from '#lib/io/zip/crc32.js';

/** An entry for `forge`: its name and bytes, and what its headers claim in place of the truth. */
export interface Forged {
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** Bytes in the file. */
  readonly compressed?: number;
  /** Bytes once decompressed. */
  readonly size?: number;
  readonly position?: number;
  /** Extra field of the line in the directory. */
  readonly extra?: Uint8Array;
}

/** A zip archive, made apart from the library, that may lie. Entries of method 8 are deflated. */
export function forge(
  entries: readonly Forged[],
  end: { comment?: string; count?: number } = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const lines: Buffer[] = [];
  let position = 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data);
    const { method = 0, crc = crc32ByTable(data, 0), flags = 0, size = data.length } = entry;
    const stored = method === 8 ? deflateRawSync(data) : data;
    const name = Buffer.from(entry.name);
    const common = Buffer.alloc(24);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(entry.compressed ?? stored.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.alloc(2), name, stored]);
    const rest = Buffer.alloc(16);
    rest.writeUInt16LE(entry.extra?.length ?? 0, 0);
    rest.writeUInt32LE(entry.position ?? position, 12);
    lines.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, rest, name, entry.extra ?? Buffer.alloc(0)]),
    );
    parts.push(local);
    position += local.length;
  }
  const directory = Buffer.concat(lines);
  const comment = Buffer.from(end.comment ?? '', 'latin1');
  const tail = Buffer.alloc(18);
  tail.writeUInt16LE(end.count ?? entries.length, 4);
  tail.writeUInt16LE(end.count ?? entries.length, 6);
  tail.writeUInt32LE(directory.length, 8);
  tail.writeUInt32LE(position, 12);
  tail.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...parts, directory, Buffer.from('PK\x05\x06'), tail, comment]);
}

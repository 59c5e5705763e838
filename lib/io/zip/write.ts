import { validateFileName } from 'yauzl';
import { invalid } from '../../graph/errors.js';
import { crc32 } from './crc32.js';
import { directoryHeader, endOfDirectory, type Facts, localHeader } from './headers.js';

/** A file to put into an archive: its bytes in parts. */
export interface ZipMember {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
}

/**
 * The bytes of a zip archive whose entries are stored as they are, in parts, without a copy. Names are checked by the
 * call, the parts are made one by one. Equal members make equal archives: all have the first date that zip knows.
 *
 * @throws ChainruleError for a name that no reader would take
 */
export function zipChunks(source: string, members: readonly ZipMember[]): Iterable<Uint8Array> {
  const names = members.map(({ name }) => nameBytes(source, name));
  return chunks(members, names);
}

function* chunks(members: readonly ZipMember[], names: readonly Uint8Array[]): Generator<Uint8Array> {
  let position = 0;
  const directory: Uint8Array[] = [];
  for (const [i, { parts }] of members.entries()) {
    const facts: Facts = {
      name: names[i] as Uint8Array,
      size: parts.reduce((sum, { length }) => sum + length, 0),
      crc: parts.reduce((sum, part) => crc32(part, sum), 0),
      position,
    };
    const header = localHeader(facts);
    yield header;
    yield* parts;
    position += header.length + facts.size;
    directory.push(directoryHeader(facts));
  }
  yield* directory;
  const bytes = directory.reduce((sum, { length }) => sum + length, 0);
  yield endOfDirectory(members.length, position, bytes);
}

function nameBytes(source: string, name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  // A lone surrogate has no bytes, and Python ends a name at a null character.
  const isText = new TextDecoder().decode(bytes) === name && !name.includes('\0');
  if (!isText || bytes.length > 0xffff || validateFileName(name) !== null)
    throw invalid(source, 'a name in a zip archive must be a relative path with slashes, without ..', name);
  return bytes;
}

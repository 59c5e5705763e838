import type { Entry } from 'yauzl';
import { invalid } from '../../graph/errors.js';
import { shortened } from '../../text/names.js';
import type { ByteSource } from '../byte-source.js';
import type { RandomAccessFile } from '../random-access.js';
import { type Directory, dataStart, readDirectory } from './directory.js';
import { inflatedHead, inflateInto, type Stretch, storedHead, storedInto } from './entry-bytes.js';

/** The files in a zip archive by name, in the order of its directory. */
export type ZipEntries = ReadonlyMap<string, ByteSource>;

const STORED = 0;
const DEFLATED = 8;
/** Deflate makes no byte into more: a larger claim is a lie. */
const MOST_DEFLATE = 1032;

/**
 * The entries of a zip archive whose directory has been checked: they have names of their own, lie one behind the other in
 * the file, and claim no more bytes than they can have. Their bytes are read from the file when they are asked for, and
 * checked by their CRC-32.
 *
 * @param options.mayLackChecksums take an archive in which each CRC-32 is 0 for one that was written without them
 * @throws ChainruleError naming the file, and the entry, for anything else
 */
export async function zipEntries(
  file: RandomAccessFile,
  { mayLackChecksums = false }: { mayLackChecksums?: boolean } = {},
): Promise<ZipEntries> {
  const directory = await readDirectory(file);
  const isChecked = !mayLackChecksums || directory.entries.some((entry) => entry.crc32 !== 0);
  const ends = endsOf(directory.entries, file.size);
  const entries = new Map<string, ByteSource>();
  for (const entry of directory.entries) {
    const label = `${file.label}: entry ${shortened(entry.fileName)}`;
    if (entries.has(entry.fileName)) throw invalid(label, 'stands twice in the archive');
    const end = ends.get(entry) as number;
    requirePossible(label, entry, end);
    entries.set(entry.fileName, sourceOf(label, file, directory, entry, end, isChecked));
  }
  for (const name of entries.keys()) if (name.endsWith('/')) entries.delete(name);
  return entries;
}

/** Where each entry ends at the latest: at the beginning of the next one in the file. */
function endsOf(entries: readonly Entry[], size: number): ReadonlyMap<Entry, number> {
  const sorted = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  return new Map(
    sorted.map((entry, i) => [entry, sorted[i + 1]?.relativeOffsetOfLocalHeader ?? size] as const),
  );
}

/** Throws unless an entry can be read, and can have as many bytes as its line of the directory claims. */
function requirePossible(label: string, entry: Entry, end: number): void {
  const { compressionMethod: method, compressedSize, uncompressedSize } = entry;
  if (entry.isEncrypted()) throw invalid(label, 'is encrypted');
  if (method !== STORED && method !== DEFLATED)
    throw invalid(label, 'must be stored or deflated, the methods 0 and 8', method);
  requireRoom(label, entry.relativeOffsetOfLocalHeader, compressedSize, end);
  const most = method === STORED ? compressedSize : compressedSize * MOST_DEFLATE;
  if (uncompressedSize > most || (method === STORED && uncompressedSize !== compressedSize))
    throw invalid(label, `cannot have ${uncompressedSize} bytes in ${compressedSize} of the file`);
}

function requireRoom(label: string, start: number, bytes: number, end: number): void {
  if (start + bytes > end)
    throw invalid(
      label,
      `has ${bytes} bytes from byte ${start} on, past byte ${end}, where something else begins`,
    );
}

function sourceOf(
  label: string,
  file: RandomAccessFile,
  { zip }: Directory,
  entry: Entry,
  end: number,
  isChecked: boolean,
): ByteSource {
  const { compressedSize, uncompressedSize: size, compressionMethod } = entry;
  const checksum = isChecked ? entry.crc32 : undefined;
  const place = async (): Promise<Stretch> => {
    const start = await dataStart(label, zip, entry);
    requireRoom(label, start, compressedSize, end);
    return { label, file, start, bytes: compressedSize };
  };
  const isStored = compressionMethod === STORED;
  return {
    label,
    size,
    async head(bytes) {
      const wanted = Math.min(bytes, size);
      return await (isStored ? storedHead : inflatedHead)(await place(), wanted);
    },
    async readInto(...targets) {
      await (isStored ? storedInto : inflateInto)(await place(), targets, checksum);
    },
  };
}

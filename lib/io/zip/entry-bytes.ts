import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ChainruleError, failed, invalid, messageOf } from '../../graph/errors.js';
import type { RandomAccessFile } from '../random-access.js';
import { crc32 } from './crc32.js';

/** Where the bytes of an entry lie in the file, as they are there. */
export interface Stretch {
  /** Name of the entry in errors. */
  readonly label: string;
  readonly file: RandomAccessFile;
  readonly start: number;
  readonly bytes: number;
}

/** How much is read at once. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** The first bytes of a stored entry. */
export async function storedHead({ file, start }: Stretch, bytes: number): Promise<Uint8Array> {
  const head = new Uint8Array(bytes);
  await file.read(head, start);
  return head;
}

/** Fills the targets with a stored entry, and checks its CRC-32 if there is one. */
export async function storedInto(
  { label, file, start }: Stretch,
  targets: readonly Uint8Array[],
  checksum: number | undefined,
): Promise<void> {
  let position = start;
  let sum = 0;
  for (const target of targets) {
    for (let done = 0; done < target.length; done += CHUNK_BYTES) {
      const chunk = target.subarray(done, done + CHUNK_BYTES);
      await file.read(chunk, position);
      position += chunk.length;
      if (checksum !== undefined) sum = crc32(chunk, sum);
    }
  }
  requireChecksum(label, checksum, sum);
}

/** The first bytes of a deflated entry, which must have as many. */
export async function inflatedHead(place: Stretch, bytes: number): Promise<Uint8Array> {
  const head = new Uint8Array(bytes);
  let done = 0;
  for await (const chunk of inflated(place)) {
    head.set(chunk.subarray(0, bytes - done), done);
    done = Math.min(bytes, done + chunk.length);
    if (done === bytes) break;
  }
  if (done < bytes) throw invalid(place.label, `must have at least ${bytes} bytes once decompressed`, done);
  return head;
}

/** Fills the targets with a deflated entry, and checks its CRC-32 if there is one. Not a byte more is kept. */
export async function inflateInto(
  place: Stretch,
  targets: readonly Uint8Array[],
  checksum: number | undefined,
): Promise<void> {
  const size = targets.reduce((sum, { length }) => sum + length, 0);
  let total = 0;
  let sum = 0;
  let [at, done] = [0, 0];
  for await (const chunk of inflated(place)) {
    total += chunk.length;
    if (total > size) throw invalid(place.label, `has more than the ${size} bytes that the directory claims`);
    if (checksum !== undefined) sum = crc32(chunk, sum);
    for (let used = 0; used < chunk.length; ) {
      const target = targets[at] as Uint8Array;
      const part = chunk.subarray(used, used + target.length - done);
      target.set(part, done);
      used += part.length;
      done += part.length;
      if (done === target.length) [at, done] = [at + 1, 0];
    }
  }
  if (total < size)
    throw invalid(place.label, `must have the ${size} bytes that the directory claims`, total);
  requireChecksum(place.label, checksum, sum);
}

function requireChecksum(label: string, checksum: number | undefined, sum: number): void {
  if (checksum !== undefined && checksum !== sum)
    throw invalid(label, `is damaged: its CRC-32 must be ${checksum}`, sum);
}

/** What a deflated entry holds, piece by piece. */
async function* inflated(place: Stretch): AsyncGenerator<Uint8Array> {
  const source = Readable.from(compressed(place));
  const inflate = createInflateRaw({ chunkSize: 2 ** 16 });
  source.on('error', (error) => inflate.destroy(error));
  try {
    for await (const chunk of source.pipe(inflate)) yield chunk as Uint8Array;
  } catch (cause) {
    if (cause instanceof ChainruleError) throw cause;
    const rule = `cannot be decompressed: ${messageOf(cause)}`;
    throw failed('ERR_CHAINRULE_INVALID', place.label, rule, { cause });
  } finally {
    source.destroy();
    inflate.destroy();
  }
}

async function* compressed({ file, start, bytes }: Stretch): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < bytes; ) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes - done));
    await file.read(chunk, start + done);
    done += chunk.length;
    yield chunk;
  }
}

import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { ChainruleError, failed, messageOf } from '../../graph/errors.js';
import { shortened } from '../../text/names.js';
import type { RandomAccessFile } from '../random-access.js';

/** How much of the directory is read at once. */
const WINDOW_BYTES = 2 ** 16;

/** An open archive and the entries that its directory lists, in that order. */
export interface Directory {
  readonly zip: ZipFile;
  readonly entries: readonly Entry[];
}

/** Reads the directory of a zip archive. Names are checked; the sizes and places that it claims are not. */
export async function readDirectory(file: RandomAccessFile): Promise<Directory> {
  const entries: Entry[] = [];
  try {
    const zip = await fromRandomAccessReaderPromise(new WindowReader(file), file.size, {
      autoClose: false,
      strictFileNames: true,
      // They are compared elsewhere, with the name of the entry.
      validateEntrySizes: false,
    });
    for await (const entry of zip.eachEntry()) entries.push(entry);
    return { zip, entries };
  } catch (cause) {
    const last = entries.at(-1);
    const place = last ? ` after the entry ${shortened(last.fileName)}` : '';
    throw unreadable(file.label, `is not a zip archive that can be read${place}`, cause);
  }
}

/** Where the bytes of an entry begin, by the header before them. */
export async function dataStart(label: string, zip: ZipFile, entry: Entry): Promise<number> {
  try {
    return (await zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart;
  } catch (cause) {
    throw unreadable(label, 'its header cannot be read', cause);
  }
}

function unreadable(label: string, rule: string, cause: unknown): ChainruleError {
  if (cause instanceof ChainruleError) return cause;
  return failed('ERR_CHAINRULE_INVALID', label, `${rule}: ${messageOf(cause)}`, { cause });
}

/** Reads for yauzl, which asks for a few bytes at a time, from a window on the file. */
class WindowReader extends RandomAccessReader {
  readonly #file: RandomAccessFile;
  #start = 0;
  #window = new Uint8Array(0);

  constructor(file: RandomAccessFile) {
    super();
    this.#file = file;
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#bytes(position, length).then(
      (bytes) => {
        target.set(bytes, offset);
        done(null, length);
      },
      (error: Error) => done(error),
    );
  }

  async #bytes(position: number, length: number): Promise<Uint8Array> {
    const { size } = this.#file;
    const end = position + length;
    if (end > size) throw new Error(`the file ends at byte ${size}, not at byte ${end}`);
    const isInside = position >= this.#start && end <= this.#start + this.#window.length;
    if (!isInside) {
      const bytes = Math.min(Math.max(length, WINDOW_BYTES), size - position);
      const window = new Uint8Array(bytes);
      await this.#file.read(window, position);
      this.#window = window;
      this.#start = position;
    }
    return this.#window.subarray(position - this.#start, end - this.#start);
  }
}

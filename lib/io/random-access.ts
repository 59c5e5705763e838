import { cutShort, readExactly } from './files.js';
import { openToRead } from './regular-file.js';

/** A file, on a disk or in memory, that is open for reading at any place. */
export interface RandomAccessFile {
  /** What errors begin with: its path, or that it is in memory. */
  readonly label: string;
  /** Number of bytes, as it was opened. */
  readonly size: number;
  /**
   * Fills a target with the bytes from a position on.
   *
   * @throws ChainruleError naming the file if it ends first
   */
  read(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** What errors call a file: by its path, if it has one. */
export function labelOfFile(file: string | Uint8Array): string {
  return typeof file === 'string' ? file : 'the file in memory';
}

/** True for what a file is given by: its path or its bytes. */
export function isFile(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** Opens a file, given by its path or by its bytes, which are not copied. */
export async function openFile(file: string | Uint8Array): Promise<RandomAccessFile> {
  return typeof file === 'string' ? await openPath(file) : openBytes(file);
}

/** Opens a file for one use of it, and closes it then. */
export async function withFile<T>(
  file: string | Uint8Array,
  use: (file: RandomAccessFile) => Promise<T>,
): Promise<T> {
  const opened = await openFile(file);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

async function openPath(path: string): Promise<RandomAccessFile> {
  const handle = await openToRead(path);
  try {
    const { size } = await handle.stat();
    return {
      label: labelOfFile(path),
      size,
      read: (target, position) => readExactly(path, handle, target, position),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function openBytes(bytes: Uint8Array): RandomAccessFile {
  const label = labelOfFile(bytes);
  return {
    label,
    size: bytes.length,
    async read(target, position) {
      if (target.length === 0) return;
      const end = position + target.length;
      // The owner may have given the memory away since, or made it smaller.
      if (end > bytes.length) throw cutShort(label, Math.max(position, bytes.length), end);
      target.set(bytes.subarray(position, end));
    },
    async close() {},
  };
}

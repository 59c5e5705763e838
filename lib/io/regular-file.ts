import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { invalid } from '../graph/errors.js';

/**
 * Opens a file for reading.
 *
 * @throws ChainruleError if the path leads to anything but a file: to read a FIFO or a device may wait for ever. The
 *   system's error if there is no such file or it may not be read
 */
export async function openToRead(path: string): Promise<FileHandle> {
  // Looked at first, because a socket cannot be opened, and opening a device may do something.
  requireRegular(path, await stat(path));
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    requireRegular(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Throws, with what a path leads to, unless that is a file of bytes. */
export function requireRegular(path: string, stats: Stats): void {
  const kind = kindOf(stats);
  if (kind !== undefined) throw invalid(path, 'must be a regular file', kind);
}

/** What a path leads to if that is no file of bytes. */
export function kindOf(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'a directory';
  if (stats.isFIFO()) return 'a FIFO (named pipe)';
  if (stats.isSocket()) return 'a socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'something else';
}

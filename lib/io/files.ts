import { rmSync } from 'node:fs';
import { type FileHandle, open, readlink, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type ChainruleError, invalid } from '../graph/errors.js';
import { isMissing } from './is-missing.js';
import { makeDirectory } from './make-directory.js';
import { requireRegular } from './regular-file.js';
import { renameOver } from './rename.js';
import { openTemporary } from './temporary-files.js';

/** Largest read or write system call: above 2 GiB the kernel refuses. */
const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * Fills `target` with the bytes of an open file that start at `position`.
 *
 * @throws ChainruleError naming `path` if the file ends first
 */
export async function readExactly(
  path: string,
  file: FileHandle,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const wanted = Math.min(CHUNK_BYTES, target.length - done);
    const { bytesRead } = await file.read(target, done, wanted, position + done);
    if (bytesRead === 0) throw cutShort(path, position + done, position + target.length);
    done += bytesRead;
  }
}

/** The error for a file that ends before all is read that it should have. */
export function cutShort(label: string, end: number, expected: number): ChainruleError {
  return invalid(label, `the file ends at byte ${end}, not at byte ${expected}`);
}

/**
 * Writes a file so that a reader, or a crash, sees the old content or the new one and nothing in between: a temporary
 * file in the same directory, fsync, rename, fsync of the directory. On failure the temporary file is removed and the old
 * file stays; those of writers that were killed are removed by the next one of the same target. A symbolic link stays, and the file that it leads to is replaced.
 *
 * @throws ChainruleError if the path leads to a directory, a device or the like, which a rename would replace; otherwise
 *   the system's error
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const target = await targetOf(path);
  const directory = dirname(target);
  const begun: string[] = [];
  try {
    const { path: temporary, file } = await openTemporary(directory, basename(target), (path) => {
      begun.push(path);
      begin(path);
    });
    try {
      for (const part of parts) await writeFully(file, part);
      await file.sync();
      // While the file is still open, and so locked.
      await renameOver(temporary, target);
    } finally {
      await file.close();
    }
  } catch (error) {
    for (const path of begun) await rm(path, { force: true });
    throw error;
  } finally {
    for (const path of begun) end(path);
  }
  await syncDirectory(directory);
}

/** As `writeAtomically`, in a directory that is made if it is missing. */
export async function saveFile(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  await makeDirectory(dirname(await targetOf(path)));
  await writeAtomically(path, parts);
}

/** The file that a path stands for, behind symbolic links; whatever else it leads to is refused. */
export async function targetOf(path: string): Promise<string> {
  try {
    requireRegular(path, await stat(path));
  } catch (error) {
    if (!isMissing(error)) throw error;
    return await behindLinks(path);
  }
  return await realpath(path);
}

/** Where a file would be made at a path that leads to none: the end of a link, if there is one. */
async function behindLinks(path: string): Promise<string> {
  const end = await readlink(path).catch(() => undefined);
  return end === undefined ? path : await behindLinks(resolve(dirname(path), end));
}

/** Temporary files that are being written: a process that exits meanwhile leaves none behind. */
const unfinished = new Set<string>();

function begin(temporary: string): void {
  if (unfinished.size === 0) process.on('exit', removeUnfinished);
  unfinished.add(temporary);
}

function end(temporary: string): void {
  unfinished.delete(temporary);
  if (unfinished.size === 0) process.removeListener('exit', removeUnfinished);
}

function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(CHUNK_BYTES, bytes.length - done));
    done += bytesWritten;
  }
}

/** Makes the rename itself durable. Windows cannot open a directory, and does not need it. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

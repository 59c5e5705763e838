import { constants, type Stats } from 'node:fs';
import { access, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { checked } from '../graph/arguments/checked.js';
import { ChainruleError, failed, invalid, messageOf } from '../graph/errors.js';
import { targetOf } from './files.js';
import { path as pathKind } from './kinds.js';
import { makeDirectory } from './make-directory.js';
import { openTemporary, temporaryIn } from './temporary-files.js';

/** Bytes that are written to see whether there is any space. */
const PROBE = new Uint8Array(512);

/**
 * Proves that a file can be saved at a path, as `Module.save` and `writeSafetensors` do it, before the work is done that
 * is to be saved. A file that is there stays as it is, and nothing is left behind. Only for the disk having space
 * enough there is no proof.
 *
 * @throws ChainruleError (rejects) naming the path if it is a directory, a FIFO or a device, if the file or its directory
 *   may not be written, or if a missing directory cannot be made
 */
export const requireWritable = checked(
  'requireWritable',
  { path: pathKind },
  async (path: string): Promise<void> => {
    const target = await tried(path, targetOf(path));
    if (/[\\/]$/.test(path)) throw invalid(path, 'must name a file, not a directory');
    const directory = dirname(resolve(target));
    const made = await tried(path, makeDirectory(directory));
    try {
      await tried(path, writeProbe(directory, basename(target)));
      await tried(path, requireReplaceable(target, directory));
    } finally {
      if (made !== undefined) await removeEmpty(directory, made);
    }
  },
);

/** Writes a file in the directory, renames it and removes it. */
async function writeProbe(directory: string, name: string): Promise<void> {
  const { path: written, file } = await openTemporary(directory, name);
  const renamed = temporaryIn(directory, name);
  try {
    await file.write(PROBE);
    await rename(written, renamed);
  } finally {
    await file.close();
    await rm(written, { force: true });
    await rm(renamed, { force: true });
  }
}

/** Throws if there is a file that may not be replaced: one that is protected, or another user's in a shared directory. */
async function requireReplaceable(target: string, directory: string): Promise<void> {
  const file = await stat(target).catch(() => undefined);
  if (!file) return;
  await access(target, constants.W_OK);
  const folder = await stat(directory);
  if (isSticky(folder) && ![0, file.uid, folder.uid].includes(process.geteuid?.() ?? 0)) {
    throw new Error('the file is that of another user, in a directory where only its owner may replace it');
  }
}

function isSticky({ mode }: Stats): boolean {
  return (mode & 0o1000) !== 0;
}

/** Removes the directories from one up to another that contains it, unless something is in them. */
async function removeEmpty(directory: string, last: string): Promise<void> {
  const below = relative(last, directory).split(sep).filter(Boolean).length;
  for (let i = 0, path = directory; i <= below; i++, path = dirname(path)) {
    await rmdir(path).catch(() => {});
  }
}

/** The result of a promise; its error is told with the path. */
async function tried<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof ChainruleError) throw cause;
    const rule = `cannot be written: ${messageOf(cause)}`;
    throw failed('ERR_CHAINRULE_INVALID', path, rule, { cause });
  }
}

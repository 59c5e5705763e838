import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../graph/errors.js';
import { tryLock } from './file-lock.js';

/** Characters of the target's name that the name of its temporary files has, so that this one is not too long. */
const NAME_LENGTH = 50;
const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const ENDING = new RegExp(`^${UUID}\\.tmp$`);

/** The name of a new temporary file for a target. */
export function temporaryIn(directory: string, name: string): string {
  return join(directory, `${prefixOf(name)}${randomUUID()}.tmp`);
}

function prefixOf(name: string): string {
  return `.${name.slice(0, NAME_LENGTH)}.`;
}

/** A temporary file that is open. Its lock, which ends with the writer, tells that the writer lives. */
export interface TemporaryFile {
  readonly path: string;
  /** Open until the file has its name, or others take it for that of a dead writer. */
  readonly file: FileHandle;
}

/**
 * Opens a new temporary file for a target, once those that dead writers of the same target have left are removed.
 *
 * @param begin called with the path before there is a file
 */
export async function openTemporary(
  directory: string,
  name: string,
  begin: (path: string) => void = () => {},
): Promise<TemporaryFile> {
  await removeAbandoned(directory, name);
  for (;;) {
    const path = temporaryIn(directory, name);
    begin(path);
    const file = await open(path, 'wx');
    // Another writer may have found the file before it was locked, and removes it.
    if (lockOf(file) !== 'held' && (await file.stat()).nlink > 0) return { path, file };
    await file.close();
  }
}

async function removeAbandoned(directory: string, name: string): Promise<void> {
  const prefix = prefixOf(name);
  // A directory that cannot be listed may be written to all the same.
  for (const found of await readdir(directory).catch(() => [])) {
    if (!found.startsWith(prefix) || !ENDING.test(found.slice(prefix.length))) continue;
    await removeTemporary(join(directory, found), 'locked');
  }
}

/**
 * Removes a temporary file unless its writer lives.
 *
 * @param least 'locked' if it stays where there are no locks to tell
 */
export async function removeTemporary(path: string, least: 'locked' | 'any'): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  try {
    const outcome = file ? lockOf(file) : 'unknown';
    if (outcome === 'locked' || (least === 'any' && outcome !== 'held')) await rm(path, { force: true });
  } catch {
    // It may be another user's; the writer does not need it.
  } finally {
    await file?.close();
  }
}

/** As `tryLock`; a file can be written without the addon. */
function lockOf(file: FileHandle): string {
  try {
    return tryLock(file.fd);
  } catch (error) {
    if (hasCode(error, 'ERR_CHAINRULE_ADDON')) return 'unsupported';
    throw error;
  }
}

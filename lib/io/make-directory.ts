import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isMissing } from './is-missing.js';

/**
 * Makes a directory, and those above it, where they are missing. Node.js's own `recursive` never returns where the
 * system makes no directories, as in `/proc`, and reports a read-only file system as a missing file.
 *
 * @returns the topmost directory that was made; undefined if none was
 * @throws the system's error (rejects)
 */
export async function makeDirectory(path: string): Promise<string | undefined> {
  const directory = resolve(path);
  if (await isDirectory(directory)) return undefined;
  const above = dirname(directory);
  const made = above === directory ? undefined : await makeDirectory(above);
  try {
    await mkdir(directory);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await isDirectory(directory))) throw error;
    return made;
  }
  return made ?? directory;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { nearestName } from '../graph/arguments/nearest-name.js';
import { failed, invalid } from '../graph/errors.js';
import { requireRegular } from '../io/regular-file.js';

/**
 * Throws if there is no file to read at a path.
 *
 * @param op the command, which errors begin with
 * @param names that the file may have been meant to have: the nearest one beside it is named
 */
export async function requireFile(op: string, file: string, names: RegExp): Promise<void> {
  if (file === '') throw invalid(op, 'the file must be a path', file);
  const path = resolve(file);
  try {
    requireRegular(op, await stat(path));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const others = await readdir(dirname(path)).catch(() => []);
    const nearest = nearestName(
      basename(path),
      others.filter((name) => names.test(name)),
    );
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw failed('ERR_CHAINRULE_INVALID', op, `there is no file ${path}${hint}`, { cause: error });
  }
}

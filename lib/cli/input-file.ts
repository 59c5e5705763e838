import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, parse, resolve } from 'node:path';
import { nearestName } from '../graph/arguments/nearest-name.js';
import { ChainruleError, failed, invalid, messageOf } from '../graph/errors.js';
import { isMissing } from '../io/is-missing.js';
import { requireRegular } from '../io/regular-file.js';

/** The command and the file that it reads, which errors begin with: `train: model.mjs`. */
export function opOf(command: string, file: string): string {
  return file === '' ? command : `${command}: ${basename(file)}`;
}

/**
 * Throws if there is no file to read at a path.
 *
 * @param op the command and the file, which errors begin with
 * @param names that the file may have been meant to have: the nearest one beside it is named
 */
export async function requireFile(op: string, file: string, names: RegExp): Promise<void> {
  if (file === '') throw invalid(op, 'the file must be a path', file);
  const path = resolve(file);
  try {
    requireRegular(op, await stat(path));
  } catch (cause) {
    if (cause instanceof ChainruleError) throw cause;
    const problem = isMissing(cause)
      ? `there is no file ${path}${await hintFor(path, names)}`
      : messageOf(cause);
    throw failed('ERR_CHAINRULE_INVALID', op, problem, { cause });
  }
}

/** The file beside a path that was probably meant by it, of those with such names. */
async function hintFor(path: string, names: RegExp): Promise<string> {
  const others = await readdir(dirname(path)).catch(() => []);
  const candidates = others.filter((name) => names.test(name));
  // Without the extension, which would make all names alike.
  const nearest = nearestName(parse(path).name, candidates.map(stemOf));
  const meant = candidates.find((name) => stemOf(name) === nearest);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

function stemOf(name: string): string {
  return parse(name).name;
}

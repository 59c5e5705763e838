import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, parse } from 'node:path';
import { failed, invalid, messageOf } from '../graph/errors.js';
import { saveFile } from '../io/files.js';
import { requireWritable } from '../io/writable.js';
import { complain } from './terminal.js';

/**
 * Proves, before the work begins, that its result can be saved.
 *
 * @param op the command, which errors begin with
 * @param option that gives the path
 * @param module the file that the command reads, which must not be replaced
 */
export async function proveOutput(op: string, option: string, path: string, module: string): Promise<void> {
  if (path === '') throw invalid(op, `${option} must name a file`, path);
  if (await isSameFile(path, module)) {
    throw invalid(op, `${option} must name another file than the module, which it would replace`, path);
  }
  try {
    await requireWritable(path);
  } catch (cause) {
    throw failed('ERR_CHAINRULE_INVALID', op, `${option}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Saves the result of a command, or, if that fails, in another place: the working directory, else the directory for
 * temporary files. The place is named on standard error, and the exit code of the process becomes 1.
 *
 * @param what is saved, as in `the weights`
 * @returns the path of the file
 * @throws ChainruleError if no place can be written
 */
export async function saveOrElsewhere(
  what: string,
  path: string,
  save: (path: string) => Promise<void>,
): Promise<string> {
  const problems: string[] = [];
  let first: unknown;
  for (const place of [path, beside(process.cwd(), path), beside(tmpdir(), path)]) {
    try {
      await save(place);
      if (problems.length === 0) return place;
      complain(`${what} could not be saved to ${path} (${problems[0]}): instead, the file is\n${place}`);
      process.exitCode = 1;
      return place;
    } catch (cause) {
      first ??= cause;
      problems.push(messageOf(cause));
    }
  }
  throw failed('ERR_CHAINRULE_INVALID', what, `could not be saved: ${problems.join('; ')}`, { cause: first });
}

/** Saves a text as `saveOrElsewhere` does. */
export async function saveText(what: string, path: string, text: string): Promise<string> {
  return await saveOrElsewhere(what, path, (place) => saveFile(place, [new TextEncoder().encode(text)]));
}

/** A file of almost the same name in a directory, where there is none yet. */
function beside(directory: string, path: string): string {
  return join(directory, `${parse(path).name}-${randomUUID().slice(0, 8)}${extname(path)}`);
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  try {
    const [a, b] = await Promise.all([stat(path), stat(other)]);
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

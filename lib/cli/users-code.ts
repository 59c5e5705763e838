import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ChainruleError, failed } from '../graph/errors.js';
import { findPlace } from './error-place.js';
import { requireFile } from './input-file.js';
import { adviceOn, wordsOf } from './module-advice.js';
import { complain } from './terminal.js';

/**
 * Imports the user's file.
 *
 * @param op the command and the file, which errors begin with
 * @throws ChainruleError with what is wrong and what to do; `placeOf` tells where
 */
export async function importFile(op: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file);
  await requireFile(op, file, /\.[cm]?[jt]sx?$/);
  return await inUsersCode(op, 'its import', async () => {
    try {
      return await import(pathToFileURL(path).href);
    } catch (cause) {
      if (cause instanceof SyntaxError) await findPlace(cause, path);
      throw failed('ERR_CHAINRULE_INVALID', op, adviceOn(cause, path), { cause });
    }
  });
}

/**
 * The result of the user's code.
 *
 * @param what runs, as `data()`
 * @throws ChainruleError that begins with the command and the file
 */
export async function inUsersCode<T>(op: string, what: string, run: () => T | Promise<T>): Promise<T> {
  // Node.js ends a process that waits for nothing but a promise.
  const unsettled = () => {
    complain(`${op}: ${what} waits for a promise that is never settled`);
    process.exitCode = 1;
  };
  process.on('beforeExit', unsettled);
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof ChainruleError && cause.op === op) throw cause;
    throw failed('ERR_CHAINRULE_INVALID', op, `${what}: ${wordsOf(cause)}`, { cause });
  } finally {
    process.removeListener('beforeExit', unsettled);
  }
}

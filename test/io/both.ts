import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { ChainruleError } from '#lib/graph/errors.js';

/** What errors call a file that is given by its bytes. */
export const IN_MEMORY = 'the file in memory';

type Read<T> = (file: string | Uint8Array) => Promise<T>;

/**
 * Reads a file by its path, and expects the same of a reader that is given its bytes: the same values, or an error that
 * differs in the name of the file alone. The bytes must be left as they are.
 *
 * @param given the bytes of the file, if they are known
 */
export async function readBoth<T>(path: string, read: Read<T>, given?: Uint8Array): Promise<T> {
  const bytes = given ?? new Uint8Array(await readFile(path));
  const before = bytes.slice();
  const [byPath, fromBytes] = [await outcomeOf(read, path), await outcomeOf(read, bytes)];
  if (Buffer.compare(before, bytes) !== 0) expect.fail('the bytes were changed');
  if ('error' in byPath) {
    const expected = describe(byPath.error).replaceAll(path, IN_MEMORY);
    expect('error' in fromBytes ? describe(fromBytes.error) : 'no error').toBe(expected);
    throw byPath.error;
  }
  if ('error' in fromBytes) throw fromBytes.error;
  // Far quicker than that of vitest, which tells what differs.
  if (!isDeepStrictEqual(fromBytes.value, byPath.value)) expect(fromBytes.value).toEqual(byPath.value);
  return byPath.value;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

async function outcomeOf<T>(read: Read<T>, file: string | Uint8Array): Promise<Outcome<T>> {
  try {
    return { value: await read(file) };
  } catch (error) {
    return { error };
  }
}

function describe(error: unknown): string {
  return error instanceof ChainruleError ? `${error.code} ${error}` : String(error);
}

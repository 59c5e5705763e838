import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The hash of a file. @param {string} file @param {'sha256' | 'sha512'} [kind] @param {'hex' | 'base64'} [encoding] */
export function checksum(file, kind = 'sha256', encoding = 'hex') {
  return createHash(kind).update(readFileSync(file)).digest(encoding);
}

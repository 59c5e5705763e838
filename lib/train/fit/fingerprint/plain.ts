import type { Plain } from '../../../checkpoint/fingerprint.js';
import { isRecord } from '../../../graph/arguments/is-record.js';
import { digestOf } from './graph-digest.js';

/** Longest array whose numbers a fingerprint holds; longer ones are compared by a digest. */
const LONGEST = 32;

/** Options as a fingerprint holds them. Functions and instances of classes count as their names. */
export function plainOf(value: unknown): Plain {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { text: `${value.constructor.name}`, digest: digestOf(bytes), of: 'values' };
  }
  if (Array.isArray(value)) {
    if (value.length <= LONGEST) return value.map(plainOf);
    return {
      text: `${value.length} values`,
      digest: digestOf(JSON.stringify(value.map(plainOf))),
      of: 'values',
    };
  }
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plainOf(part)]));
  }
  return typeof value === 'function' ? `function ${value.name}` : String(value);
}

import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { ChainruleError } from '#lib/graph/errors.js';
import { readBoth } from './both.js';

/** What became of damaged files: how many were read all the same, and how many were refused. */
export interface Outcomes {
  readonly read: number;
  readonly refused: number;
}

/** Reads a file by its path, or from its bytes. */
export type Reader = (file: string | Uint8Array) => Promise<unknown>;

/**
 * Reads each of some files, written to `path` in turn, by its path and from its bytes. Each is read or refused with a
 * `ChainruleError` that names it, and nothing else happens.
 *
 * @param readers take turns
 */
export async function readDamaged(
  path: string,
  files: Iterable<Uint8Array>,
  ...readers: readonly Reader[]
): Promise<Outcomes> {
  const counts = { read: 0, refused: 0 };
  for (const bytes of files) {
    await writeFile(path, bytes);
    const reader = readers[(counts.read + counts.refused) % readers.length] as Reader;
    try {
      await readBoth(path, reader, bytes);
      counts.read++;
    } catch (error) {
      const isClear = error instanceof ChainruleError && error.message.includes(path);
      if (!isClear) expect.fail(`${String(error)} for ${Buffer.from(bytes).toString('base64')}`);
      counts.refused++;
    }
  }
  return counts;
}

/** A file cut at each byte, or at every so many-th. */
export function* truncations(bytes: Uint8Array, every = 1): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length += every) yield bytes.slice(0, length);
}

/** A file with each byte inverted, or every so many-th. */
export function* inversions(bytes: Uint8Array, every = 1): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += every) {
    const changed = bytes.slice();
    changed[at] = ~(changed[at] as number);
    yield changed;
  }
}

/** Random damage to files, the same at every run: bytes, numbers, and stretches that move, vanish or come twice. */
export function* mutations(files: readonly Uint8Array[], runs: number, seed: number): Generator<Uint8Array> {
  const draw = generator(seed);
  for (let run = 0; run < runs; run++) {
    let bytes: Uint8Array = (files[draw(files.length)] as Uint8Array).slice();
    for (let changes = 1 + draw(2) * draw(4); changes > 0; changes--) bytes = changed(bytes, draw);
    yield bytes;
  }
}

const extremes = [0, 1, 0x7f, 0x80, 0xff];

function changed(bytes: Uint8Array, draw: (limit: number) => number): Uint8Array {
  const at = draw(Math.max(1, bytes.length));
  const to = Math.min(bytes.length, at + 1 + draw(8));
  switch (draw(12)) {
    case 0:
      return spliced(bytes, at, to, new Uint8Array(0));
    case 1:
      return spliced(bytes, at, at, bytes.subarray(at, to));
    case 2: {
      const from = draw(Math.max(1, bytes.length));
      return spliced(bytes, at, to, bytes.subarray(from, from + to - at));
    }
    case 3:
      return spliced(bytes, at, to, new Uint8Array(to - at).fill(extremes[draw(extremes.length)] as number));
    case 4:
      return draw(8) === 0 ? bytes.slice(0, at) : spliced(bytes, at, at, Uint8Array.of(draw(256)));
    default:
      return spliced(bytes, at, at + 1, Uint8Array.of(draw(256)));
  }
}

function spliced(bytes: Uint8Array, from: number, to: number, between: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, from), between, bytes.subarray(to)]));
}

function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}

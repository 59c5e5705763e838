import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'chainrule';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNewest, openDirectory, pathOf, removeOld } from '#lib/checkpoint/directory.js';
import {
  loadCheckpoint,
  type TensorSource,
  verifyCheckpoint,
  writeCheckpoint,
} from '#lib/checkpoint/file.js';
import { type DType, viewOf } from '#lib/graph/dtype.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'checkpoint-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Tensors of every dtype, at odd places of memory that they share, and one without elements. */
function somePlaces(seed = 1): TensorSource[] {
  const buffer = new SharedArrayBuffer(512);
  const kinds: [DType, number[], number][] = [
    ['float32', [3, 2], 16],
    ['float64', [2], 64],
    ['int32', [3], 100],
    ['uint8', [5], 201],
    ['bool', [4], 303],
    ['float32', [0, 2], 400],
  ];
  return kinds.map(([dtype, shape, byteOffset], k) => {
    const elements = shape.reduce((a, b) => a * b, 1);
    const values = viewOf(dtype, buffer, byteOffset, elements);
    for (let i = 0; i < elements; i++) values[i] = dtype === 'bool' ? i % 2 : seed + 10 * k + i;
    return { name: `tensor ${k}`, dtype, shape, buffer, byteOffset };
  });
}

const valuesOf = ({ dtype, buffer, byteOffset, shape }: TensorSource) => [
  ...viewOf(
    dtype,
    buffer,
    byteOffset,
    shape.reduce((a, b) => a * b, 1),
  ),
];

describe('a checkpoint file', () => {
  it('is a safetensors file of the tensors, and holds a SHA-256 of its other bytes', async () => {
    const path = pathOf(dir, 7);
    const places = somePlaces();
    await writeCheckpoint(path, places, '{"some":"state"}');
    const { tensors, metadata } = await io.readSafetensors(path);
    for (const place of places) {
      const { dtype, shape, data } = tensors[place.name] ?? { data: [] };
      expect([dtype, shape, [...data]]).toEqual([place.dtype, place.shape, valuesOf(place)]);
    }
    expect(metadata.state).toBe('{"some":"state"}');
    const text = readFileSync(path, 'latin1');
    const blanked = text.replace(metadata.sha256 as string, '0'.repeat(64));
    const digest = createHash('sha256').update(Buffer.from(blanked, 'latin1')).digest('hex');
    expect(metadata.sha256).toBe(digest);
  });

  it('is read back into places of other memory, bit for bit', async () => {
    const path = pathOf(dir, 7);
    const places = somePlaces();
    await writeCheckpoint(path, places, 'state');
    const header = await verifyCheckpoint(path);
    const others = somePlaces(99);
    await loadCheckpoint(path, header, others);
    expect(header.state).toBe('state');
    expect(others.map(valuesOf)).toEqual(places.map(valuesOf));
  });

  it('that is damaged anywhere is passed over for the one before, and the reason given', async () => {
    await writeCheckpoint(pathOf(dir, 1), somePlaces(), 'state 1');
    const path = pathOf(dir, 2);
    await writeCheckpoint(path, somePlaces(), 'state 2');
    const whole = readFileSync(path);
    const headerEnd = 8 + Number(whole.readBigUInt64LE(0));
    const digest = whole.indexOf('"sha256":"') + 10;
    const flipped = (at: number) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ 1;
      return bytes;
    };
    const damages: [string, Buffer, RegExp][] = [
      ['empty', Buffer.alloc(0), /at least 8 bytes/],
      ['zeros', Buffer.alloc(whole.length), /JSON|SHA-256|header/],
      ['cut in the length', whole.subarray(0, 5), /at least 8 bytes/],
      ['cut in the header', whole.subarray(0, headerEnd - 9), /header has/],
      ['cut in the data', whole.subarray(0, whole.length - 1), /pass the end/],
      ['longer', Buffer.concat([whole, Buffer.alloc(1)]), /unused bytes/],
      ['length', flipped(0), /JSON|header/],
      ['name of the checksum', flipped(digest - 6), /no checkpoint/],
      ['checksum', flipped(digest), /SHA-256/],
      ['state', flipped(whole.indexOf('state 2') + 6), /SHA-256/],
      ['name of a tensor', flipped(whole.indexOf('tensor 1') + 7), /SHA-256|twice/],
      ['first data', flipped(headerEnd), /SHA-256/],
      ['last data', flipped(whole.length - 1), /BOOL|SHA-256/],
    ];
    for (let at = headerEnd; at < whole.length; at++) {
      damages.push([`byte ${at}`, flipped(at), /SHA-256/]);
    }
    for (const [name, bytes, reason] of damages) {
      writeFileSync(path, bytes);
      const { found, damaged } = await findNewest(dir);
      expect([name, found?.step, found?.state]).toEqual([name, 1, 'state 1']);
      expect(
        damaged.map((file) => file.path),
        name,
      ).toEqual([path]);
      expect(damaged[0]?.why, name).toMatch(reason);
    }
  });

  it('of another kind is no checkpoint, and where all are damaged none is found', async () => {
    await io.writeSafetensors(pathOf(dir, 3), {
      x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) },
    });
    writeFileSync(pathOf(dir, 2), 'short');
    const { found, damaged } = await findNewest(dir);
    expect(found).toBeNull();
    expect(damaged.map(({ path }) => path)).toEqual([pathOf(dir, 3), pathOf(dir, 2)]);
    expect(damaged[0]?.why).toBe('is no checkpoint');
  });
});

describe('a directory of checkpoints', () => {
  it('loses what a killed run left half written, and nothing else', async () => {
    const half = `.${'step-000000004.safetensors'}.0f0e.tmp`;
    for (const name of [
      half,
      '.probe.1.tmp',
      '..probe.1.tmp.2.tmp',
      '.mine.tmp',
      'step-4.safetensors',
      'notes.txt',
    ]) {
      writeFileSync(join(dir, name), 'x');
    }
    await openDirectory(dir);
    expect(readdirSync(dir).sort()).toEqual(['.mine.tmp', 'notes.txt', 'step-4.safetensors']);
  });

  it('keeps the newest files up to the one that was written, by number', async () => {
    const steps = [5, 999_999_999, 1_000_000_000, 1_000_000_001, 1_000_000_002];
    for (const step of steps) writeFileSync(pathOf(dir, step), '');
    await removeOld(dir, 1_000_000_001, 2);
    const left = [1_000_000_000, 1_000_000_001, 1_000_000_002].map((step) => pathOf(dir, step));
    expect(
      readdirSync(dir)
        .map((name) => join(dir, name))
        .sort(),
    ).toEqual(left);
  });
});

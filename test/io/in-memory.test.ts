import { readdirSync, readlinkSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { openTensors } from '#lib/io/open-tensors.js';
import { readFixture } from '../helpers/fixtures.js';
import { useFolder } from '../helpers/folder.js';
import { IN_MEMORY, readBoth } from './both.js';
import { truncations } from './damage.js';
import { fileBytes } from './recorded-files.js';

const folder = useFolder();
const numpy = readFixture<{
  read: Record<string, { file: string }>;
  archives: Record<string, { file: string }>;
}>('models_and_arrays/numpy_files');
const torch = readFixture<{ tensors: Record<string, { file: string }> }>('torch_files');

const tensors: Record<string, FileTensor> = {
  w: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, Number.NaN) },
  long: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-5n) },
  none: { dtype: 'float64', shape: [0, 2], data: new Float64Array(0) },
};

/** The bytes of a file that is written here. */
async function written(write: (path: string) => Promise<void>): Promise<Uint8Array> {
  const path = join(folder(), 'x');
  await write(path);
  return new Uint8Array(await readFile(path));
}

const formats: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  safetensors: () => written((path) => io.writeSafetensors(path, tensors, { format: 'chainrule' })),
  npz: () => written((path) => io.writeNpz(path, tensors)),
  'npz, compressed': async () => fileBytes(numpy.archives.savez_compressed?.file ?? ''),
  npy: async () => fileBytes(numpy.read['>c8']?.file ?? ''),
  'npy, in Fortran order': async () => fileBytes(numpy.read['f2 in Fortran order']?.file ?? ''),
  'torch.save': async () => fileBytes(torch.tensors.layouts?.file ?? ''),
};

/** The same bytes in other memory. */
const memories: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  'of their own': (bytes) => bytes.slice(),
  'at an odd place of more': (bytes) => {
    const more = new Uint8Array(bytes.length + 10).fill(0xee);
    more.set(bytes, 3);
    return more.subarray(3, 3 + bytes.length);
  },
  'of a Buffer': (bytes) => Buffer.concat([Buffer.of(1), bytes, Buffer.of(2)]).subarray(1, 1 + bytes.length),
  'that is shared': (bytes) => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 2), 1, bytes.length);
    shared.set(bytes);
    return shared;
  },
};

/** All that a file has, whatever its format. */
async function readAll(file: string | Uint8Array): Promise<unknown> {
  const opened = await openTensors(file);
  try {
    const read = new Map<string, FileTensor>();
    for (const [name, tensor] of opened.tensors) read.set(name, await tensor.read());
    return { read, metadata: opened.metadata };
  } finally {
    await opened.close();
  }
}

describe.each(Object.entries(formats))('a file of %s', (_, make) => {
  it('gives from its bytes, in memory of any kind, what it gives from its path', async () => {
    const path = join(folder(), 'x');
    const bytes = await make();
    await writeFile(path, bytes);
    for (const [memory, placed] of Object.entries(memories)) {
      const given = placed(bytes);
      expect(given, memory).toHaveLength(bytes.length);
      await readBoth(path, readAll, given);
    }
  });

  it('gives tensors that do not change with its bytes', async () => {
    const bytes = await make();
    const before = await readAll(bytes.slice());
    const read = await readAll(bytes);
    bytes.fill(0xff);
    expect(read).toEqual(before);
  });

  it('is refused where it is cut short, and closed', async () => {
    const path = join(folder(), 'x');
    const bytes = await make();
    for (const cut of truncations(bytes, Math.ceil(bytes.length / 23))) {
      await writeFile(path, cut);
      await expect(readBoth(path, readAll, cut)).rejects.toThrow(`${path}: `);
    }
    if (process.platform === 'linux') expect(descriptorsOf(path)).toBe(0);
  });

  it('is refused once its memory has been given away', async () => {
    const bytes = new Uint8Array(await make());
    const opened = await openTensors(bytes);
    const gone = new Uint8Array(8);
    for (const memory of [bytes, gone]) structuredClone(memory.buffer, { transfer: [memory.buffer] });
    const full = [...opened.tensors.values()].filter(({ shape }) => !shape.includes(0));
    await expect(full[0]?.read()).rejects.toThrow(`${IN_MEMORY}: the file ends at byte`);
    await expect(readAll(gone)).rejects.toThrow(
      `${IN_MEMORY}: a safetensors file has at least 8 bytes, got 0`,
    );
  });
});

/** How often this process has a file open. */
function descriptorsOf(path: string): number {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return undefined; // Closed meanwhile.
    }
  });
  return targets.filter((target) => target === path).length;
}

describe('readers of a format', () => {
  it.each([
    ['readSafetensors', io.readSafetensors, 'a safetensors file has at least 8 bytes, got 0'],
    ['readSafetensorsHeader', io.readSafetensorsHeader, 'a safetensors file has at least 8 bytes, got 0'],
    ['readNpy', io.readNpy, 'is not an .npy file, which begins with \\x93NUMPY'],
    ['readNpz', io.readNpz, 'is not a zip archive that can be read'],
    ['readTorch', io.readTorch, 'is not a zip archive that can be read'],
  ])('take bytes, and nothing else in their place: %s', async (name, read, message) => {
    await expect(read(new Uint8Array(0))).rejects.toThrow(`${IN_MEMORY}: ${message}`);
    for (const other of [new ArrayBuffer(8), new Float32Array(8), [1, 2], new Blob([])])
      await expect(read(other as never)).rejects.toThrow(
        `${name}: file must be a path or the bytes of a file, got`,
      );
  });
});

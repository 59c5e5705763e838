import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChainruleError } from '#lib/graph/errors.js';
import { type RandomAccessFile, withFile } from '#lib/io/random-access.js';
import { crc32, crc32ByTable } from '#lib/io/zip/crc32.js';
import { zipEntries } from '#lib/io/zip/entries.js';
import { directoryHeader, endOfDirectory, localHeader } from '#lib/io/zip/headers.js';
import { zipChunks } from '#lib/io/zip/write.js';
import { useFolder } from '../../helpers/folder.js';
import { readBoth } from '../both.js';
import { type Forged, forge } from './forge.js';

const folder = useFolder();
const encode = (text: string) => new TextEncoder().encode(text);

async function onDisk(bytes: Uint8Array): Promise<string> {
  const path = join(folder(), 'x.zip');
  await writeFile(path, bytes);
  return path;
}

/** All entries of an archive, read whole. */
async function readAll(
  path: string,
  options?: { mayLackChecksums: boolean },
): Promise<Record<string, string>> {
  const entries = async (file: RandomAccessFile) => {
    const read: Record<string, string> = Object.create(null);
    for (const [name, source] of await zipEntries(file, options)) {
      const target = new Uint8Array(source.size);
      await source.readInto(target);
      expect(await source.head(3)).toEqual(target.slice(0, 3));
      read[name] = new TextDecoder().decode(target);
    }
    return read;
  };
  return await readBoth(path, (file) => withFile(file, entries));
}

/** Fills targets of some sizes with an entry of an archive. */
async function readParts(path: string, name: string, sizes: readonly number[]): Promise<Uint8Array[]> {
  const targets = sizes.map((size) => new Uint8Array(size));
  await withFile(path, async (file) => await (await zipEntries(file)).get(name)?.readInto(...targets));
  return targets;
}

describe('zipEntries', () => {
  it('reads what zipChunks writes, in targets of any sizes', async () => {
    const members = [
      { name: 'a', parts: [encode('first'), encode(''), encode(' second')] },
      { name: 'größe/\n', parts: [] },
      { name: '__proto__', parts: [new Uint8Array(70_000).fill(65)] },
    ];
    const path = await onDisk(Buffer.concat([...zipChunks('zip', members)]));
    const read = new Map(Object.entries(await readAll(path)));
    expect(read).toEqual(
      new Map([
        ['a', 'first second'],
        ['__proto__', 'A'.repeat(70_000)],
        ['größe/\n', ''],
      ]),
    );
    const targets = await readParts(path, 'a', [1, 0, 4, 7]);
    expect(targets.map((target) => new TextDecoder().decode(target))).toEqual(['f', '', 'irst', ' second']);
  });

  it('reads deflated entries, in targets of any sizes, and leaves out folders', async () => {
    const data = 'abc'.repeat(100_000);
    const path = await onDisk(
      forge([
        { name: 'f/', data: '' },
        { name: 'f/a', data, method: 8 },
        { name: 'b', data: '', method: 8 },
      ]),
    );
    expect(await readAll(path)).toEqual({ 'f/a': data, b: '' });
    const targets = await readParts(path, 'f/a', [0, 1, 100_000, 0, 199_999, 0]);
    expect(Buffer.concat(targets).toString()).toBe(data);
  });

  it('reads an archive without checksums only where that is asked for', async () => {
    const without = await onDisk(
      forge([
        { name: 'a', data: 'x', crc: 0 },
        { name: 'b', data: 'y', crc: 0 },
      ]),
    );
    expect(await readAll(without, { mayLackChecksums: true })).toEqual({ a: 'x', b: 'y' });
    await expect(readAll(without)).rejects.toThrow('entry a: is damaged: its CRC-32 must be 0');
    const some = await onDisk(
      forge([
        { name: 'a', data: 'x', crc: 0 },
        { name: 'b', data: 'y' },
      ]),
    );
    await expect(readAll(some, { mayLackChecksums: true })).rejects.toThrow('entry a: is damaged');
  });

  it('reads comments and archives that are empty', async () => {
    expect(await readAll(await onDisk(forge([], { comment: 'hello' })))).toEqual({});
  });

  const big = 5 * 2 ** 30;
  // Elsewhere a hole takes room.
  it.runIf(process.platform === 'linux')('reads entries and a directory beyond 4 GiB', async () => {
    const path = join(folder(), 'big.zip');
    const file = await open(path, 'w');
    const facts = { name: encode('far'), size: 3, crc: crc32(encode('abc'), 0), position: big };
    const hole = { name: encode('hole'), size: big - 100, crc: 0, position: 0 };
    const local = Buffer.concat([localHeader(facts), encode('abc')]);
    const lines = Buffer.concat([directoryHeader(hole), directoryHeader(facts)]);
    const end = endOfDirectory(2, big + local.length, lines.length);
    await file.write(localHeader(hole), 0, undefined, 0);
    await file.write(Buffer.concat([local, lines, end]), 0, undefined, big);
    await file.close();
    await withFile(path, async (file) => {
      const entries = await zipEntries(file);
      expect([...entries.values()].map(({ size }) => size)).toEqual([big - 100, 3]);
      expect(await entries.get('hole')?.head(2)).toEqual(new Uint8Array(2));
    });
    expect(await readParts(path, 'far', [3])).toEqual([encode('abc')]);
  });
});

describe('hostile archives', () => {
  const good: Forged = { name: 'a', data: 'abc' };
  const zip64 = (...values: bigint[]) => {
    const extra = Buffer.alloc(4 + 8 * values.length);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(8 * values.length, 2);
    values.forEach((value, i) => {
      extra.writeBigUInt64LE(value, 4 + 8 * i);
    });
    return extra;
  };
  const whole = forge([good, { name: 'b', data: 'xyz' }]);

  it.each<[string, Uint8Array, string]>([
    ['that is empty', new Uint8Array(0), 'is not a zip archive that can be read'],
    ['of zeros', new Uint8Array(1000), 'is not a zip archive that can be read'],
    ['with bytes after its end', Buffer.concat([whole, Buffer.alloc(1)]), 'Invalid comment length'],
    [
      'whose comment looks like an end',
      forge([good], { comment: `PK\x05\x06${'\0'.repeat(30)}` }),
      'Invalid comment length',
    ],
    ['with bytes before its beginning', Buffer.concat([Buffer.from('#!/bin/sh\n'), whole]), 'signature'],
    [
      'with fewer entries than it claims',
      forge([good], { count: 2 }),
      'after the entry a: the file ends at byte',
    ],
    ['with a name twice', forge([good, { ...good, data: 'def' }]), 'entry a: stands twice in the archive'],
    ['with ..', forge([{ ...good, name: 'b/../../a' }]), 'invalid relative path: b/../../a'],
    ['with an absolute name', forge([{ ...good, name: '/etc/passwd' }]), 'absolute path: /etc/passwd'],
    ['with a drive', forge([{ ...good, name: 'C:x' }]), 'absolute path: C:x'],
    ['with a backslash', forge([{ ...good, name: '..\\a' }]), 'invalid characters in fileName'],
    ['that is encrypted', forge([{ ...good, flags: 1 }]), 'entry a: is encrypted'],
    [
      'that is strongly encrypted',
      forge([good, { ...good, name: 'b', flags: 0x40 }]),
      'after the entry a: strong encryption',
    ],
    [
      'of another method',
      forge([{ ...good, method: 12 }]),
      'entry a: must be stored or deflated, the methods 0 and 8, got 12',
    ],
    ['with another checksum', forge([{ ...good, crc: 7 }]), 'entry a: is damaged: its CRC-32 must be 7'],
    ['with another checksum, deflated', forge([{ ...good, crc: 7, method: 8 }]), 'entry a: is damaged'],
    ['with two sizes', forge([{ ...good, size: 2 }]), 'entry a: cannot have 2 bytes in 3 of the file'],
    [
      'with sizes beyond the file',
      forge([{ ...good, size: 1e9, compressed: 1e9 }]),
      'entry a: has 1000000000 bytes',
    ],
    [
      'with sizes beyond the file in 64 bits',
      forge([{ ...good, size: 0xffffffff, compressed: 0xffffffff, extra: zip64(2n ** 63n, 2n ** 63n) }]),
      'entry a: has 9223372036854776000 bytes',
    ],
    [
      'with a place beyond the file in 64 bits',
      forge([{ ...good, position: 0xffffffff, extra: zip64(2n ** 64n - 1n) }]),
      'entry a: has 3 bytes from byte 18446744073709552000 on',
    ],
    [
      'with an extra field that is cut short',
      forge([{ ...good, extra: Uint8Array.of(1, 0, 9, 0) }]),
      'extra field length',
    ],
    [
      'with a place in the directory',
      forge([{ ...good, position: 40 }]),
      'entry a: its header cannot be read',
    ],
    [
      'whose entries overlap',
      forge([
        { name: 'a', data: 'abcdefgh'.repeat(9) },
        { name: 'b', data: 'x', position: 50 },
      ]),
      'entry a: has 72 bytes from byte 0 on, past byte 50, where something else begins',
    ],
    [
      'whose entries are one',
      forge([
        { ...good, position: 0 },
        { name: 'b', data: 'abc', position: 0 },
      ]),
      'entry a: has 3 bytes from byte 0 on, past byte 0',
    ],
    [
      'whose entry reaches into the next by its header',
      forge([
        { ...good, compressed: 30, size: 30 },
        { name: 'b', data: 'x' },
      ]),
      'entry a: has 30 bytes from byte 31 on, past byte 34',
    ],
    [
      'with too much deflated',
      forge([{ ...good, method: 8, size: 10_000 }]),
      'entry a: cannot have 10000 bytes in 5 of the file',
    ],
    ['with less deflated than it claims', forge([{ ...good, method: 8, size: 50 }]), 'entry a: must have'],
    [
      'with more deflated than it claims',
      forge([{ ...good, method: 8, size: 2 }]),
      'entry a: has more than the 2 bytes',
    ],
    [
      'that is a bomb',
      forge([{ name: 'a', data: new Uint8Array(50_000_000), method: 8, size: 1000 }]),
      'entry a: has more than the 1000 bytes',
    ],
    [
      'with damaged deflate',
      forge([{ ...good, method: 8 }]).map((byte, i) => (i === 31 ? 0xff : byte)),
      'entry a: cannot be decompressed',
    ],
    [
      'with deflate that is cut short',
      forge([{ ...good, method: 8, data: 'abc'.repeat(99), compressed: 4 }]),
      'entry a: cannot be decompressed: unexpected end of file',
    ],
  ])('refuses one %s', async (_, bytes, message) => {
    const path = await onDisk(bytes);
    const error = await readAll(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(String(error)).toContain(`ChainruleError: ${path}: `);
    expect(String(error)).toContain(message);
  });

  it('refuses one cut at any byte', async () => {
    for (let length = 0; length < whole.length; length++)
      await expect(readAll(await onDisk(whole.slice(0, length))), `${length}`).rejects.toThrow(
        ChainruleError,
      );
  });
});

describe('zipChunks', () => {
  const rule = 'writeNpz: a name in a zip archive must be a relative path with slashes, without ..';

  it('refuses names that are too long', () => {
    expect(() => zipChunks('writeNpz', [{ name: 'x'.repeat(70_000), parts: [] }])).toThrow(rule);
  });

  it.each(['../a', '/a', 'a\\b', 'C:a', 'a\0b', '\ud800'])('refuses the name %j', (name) => {
    expect(() => zipChunks('writeNpz', [{ name, parts: [] }])).toThrow(rule);
  });
});

it('crc32 has the published value, also without the one of Node.js', () => {
  for (const sum of [crc32, crc32ByTable]) {
    expect(sum(encode('123456789'), 0)).toBe(0xcbf43926);
    expect(sum(encode('6789'), sum(encode('12345'), 0))).toBe(0xcbf43926);
    expect(sum(new Uint8Array(0), 7)).toBe(7);
  }
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { data, io, nn } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '#lib/io/files.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();
const tensors = { w: { dtype: 'float32', shape: [2], data: new Float32Array([1, 2]) } } as const;

describe.runIf(process.platform !== 'win32')('what is no regular file', () => {
  const readers: readonly [string, (path: string) => unknown][] = [
    ['readSafetensors', io.readSafetensors],
    ['readSafetensorsHeader', io.readSafetensorsHeader],
    ['readNpy', io.readNpy],
    ['readNpz', io.readNpz],
    ['readTorch', io.readTorch],
    ['Module.load', (path) => new nn.Linear(1, 1).load(path)],
    ['readIdx', data.readIdx],
    ['mapIdx', data.mapIdx],
    ['mapSafetensors', (path) => data.mapSafetensors(path, { inputs: 'a', targets: 'b' })],
    ['mapFile', (path) => data.mapFile(path, { dtype: 'uint8', shape: [1] })],
    ['mapFile with a length', (path) => data.mapFile(path, { dtype: 'uint8', shape: [1], length: 1 })],
    ['MappedField', (path) => new data.MappedField('uint8', [1], { path, offset: 0, length: 1 })],
    ['custom', (path) => data.custom(path)],
  ];

  it.each(readers)('is refused by %s, which does not wait', async (_, read) => {
    const dir = folder();
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    symlinkSync(pipe, join(dir, 'link'));
    for (const path of [pipe, join(dir, 'link'), dir, '/dev/zero']) {
      await expect((async () => read(path))()).rejects.toThrow(/must be a regular file/);
    }
  });

  it('is named, also a socket', async () => {
    const path = join(folder(), 'socket');
    const server = createServer().listen(path);
    await new Promise((listening) => server.on('listening', listening));
    try {
      await expect(io.readSafetensors(path)).rejects.toThrow('must be a regular file, got a socket');
      await expect(io.writeSafetensors(path, tensors)).rejects.toThrow(
        'must be a regular file, got a socket',
      );
    } finally {
      server.close();
    }
  });

  it('is not replaced', async () => {
    const dir = folder();
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    mkdirSync(join(dir, 'dir'));
    for (const path of [join(dir, 'pipe'), join(dir, 'dir'), '/dev/null']) {
      for (const write of [
        () => io.writeSafetensors(path, tensors),
        () => io.writeNpy(path, tensors.w),
        () => io.writeNpz(path, tensors),
        () => new nn.Linear(1, 1).save(path),
        () => io.requireWritable(path),
      ]) {
        await expect(write()).rejects.toThrow(/must be a regular file, got a/);
      }
    }
    expect(readdirSync(dir)).toEqual(['dir', 'pipe']);
  });
});

describe('writeSafetensors', () => {
  it('makes a directory that is missing', async () => {
    const path = join(folder(), 'a', 'b', 'x.safetensors');
    await io.writeSafetensors(path, tensors);
    expect(Object.keys((await io.readSafetensors(path)).tensors)).toEqual(['w']);
  });

  it('writes the file behind a link, also one that is not there yet', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'in'));
    symlinkSync(join('in', 'x'), join(dir, 'second'));
    symlinkSync('second', join(dir, 'first'));
    for (let i = 0; i < 2; i++) {
      await io.writeSafetensors(join(dir, 'first'), tensors);
      expect(readdirSync(join(dir, 'in'))).toEqual(['x']);
    }
    expect(readlinkSync(join(dir, 'first'))).toBe('second');
  });

  it('takes any name that the file system does', async () => {
    const path = join(folder(), 'x'.repeat(255));
    await io.writeSafetensors(path, tensors);
    await io.requireWritable(path);
    expect(Object.keys((await io.readSafetensors(path)).tensors)).toEqual(['w']);
  });
});

it('a process that exits while it writes leaves no temporary file', () => {
  const dir = folder();
  const program = `
    const { writeAtomically } = await import(process.argv[1]);
    writeAtomically(process.argv[2], (function* () { yield new Uint8Array(9); process.exit(3); })());
  `;
  const files = new URL('../../dist/lib/io/files.js', import.meta.url).href;
  const args = ['--input-type=module', '-e', program, files, join(dir, 'x')];
  expect(() => execFileSync(process.execPath, args)).toThrow(expect.objectContaining({ status: 3 }));
  expect(readdirSync(dir)).toEqual([]);
});

it('no listener stays behind when files are written', async () => {
  const before = process.listenerCount('exit');
  await writeAtomically(join(folder(), 'x'), [new Uint8Array(1)]);
  expect(process.listenerCount('exit')).toBe(before);
});

it.runIf(process.platform === 'linux')(
  'a directory that the system does not make is refused, and not waited for',
  async () => {
    for (const refused of [
      () => io.requireWritable('/proc/none/x'),
      () => io.writeSafetensors('/proc/none/x', tensors),
    ]) {
      await expect(refused()).rejects.toThrow("ENOENT: no such file or directory, mkdir '/proc/none'");
    }
  },
);

it('a directory that several make at once is made', async () => {
  const dir = join(folder(), 'a', 'b');
  const paths = Array.from({ length: 8 }, (_, i) => join(dir, String(i)));
  await Promise.all(paths.map((path) => io.writeSafetensors(path, tensors)));
  expect(readdirSync(dir)).toHaveLength(8);
});

describe('requireWritable', () => {
  it('leaves everything as it is', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'kept');
    for (const path of ['file', 'new', 'a/b/c/new']) await io.requireWritable(join(dir, path));
    expect(readdirSync(dir)).toEqual(['file']);
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('kept');
  });

  it('keeps a directory in which something was made meanwhile', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'a'));
    await io.requireWritable(join(dir, 'a', 'x'));
    expect(readdirSync(dir)).toEqual(['a']);
  });

  it('refuses what cannot be', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    symlinkSync('loop', join(dir, 'loop'));
    const cases: readonly [string, string][] = [
      [join(dir, 'file', 'x'), 'ENOTDIR'],
      [join(dir, 'loop'), 'ELOOP'],
      [join(dir, 'x'.repeat(256)), 'ENAMETOOLONG'],
      [`${dir}/new/`, 'must name a file, not a directory'],
      [dir, 'must be a regular file, got a directory'],
    ];
    for (const [path, why] of cases) await expect(io.requireWritable(path)).rejects.toThrow(why);
    await expect(io.requireWritable('')).rejects.toThrow('requireWritable: path must be a path');
    expect(readdirSync(dir)).toEqual(['file', 'loop']);
  });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { chainrule } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { smallDisk } from '../helpers/small-disk.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const folder = useFolder();

/** The commands that write a file, and the option that names it. */
const outputs = [
  ['train', '--output'],
  ['plan', '--html'],
  ['profile', '--trace'],
] as const;

/** A module that says when its data are loaded: whatever is refused must be so before. */
function writeModule(dir: string): string {
  const file = writeTrainingModule(dir);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('data: async () => (', 'data: async () => (console.log("loaded"), '),
  );
  return file;
}

describe.each(outputs)('chainrule %s %s', (command, option) => {
  async function refusal(path: string, cwd: string): Promise<string> {
    const before = readdirSync(cwd, { recursive: true });
    const { code, stdout, stderr } = await chainrule([command, writeModule(folder()), option, path], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(readdirSync(cwd, { recursive: true })).toEqual(before);
    return stderr;
  }

  it('refuses what cannot be written before it begins', async () => {
    const cwd = folder();
    mkdirSync(join(cwd, 'dir'));
    writeFileSync(join(cwd, 'file'), 'kept');
    expect(await refusal('dir', cwd)).toContain(
      `${command}: ${option}: dir: must be a regular file, got a directory`,
    );
    // All commands ask the same function; the sample tries two of its answers with each, and all with one.
    if (LONG || command === 'train') {
      expect(await refusal('dir/new/', cwd)).toContain('must name a file, not a directory');
      expect(await refusal('file/x', cwd)).toContain('file/x: cannot be written: ENOTDIR');
      expect(await refusal('x'.repeat(300), cwd)).toContain('ENAMETOOLONG');
    }
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('kept');
    if (process.platform === 'win32') return;
    if (LONG || command === 'train') {
      execFileSync('mkfifo', [join(cwd, 'pipe')]);
      expect(await refusal('pipe', cwd)).toContain('must be a regular file, got a FIFO');
    }
    expect(await refusal('/dev/null', cwd)).toContain('must be a regular file, got a device');
  });

  it('refuses to replace its own module', async () => {
    const cwd = folder();
    const file = writeModule(cwd);
    symlinkSync(file, join(cwd, 'link'));
    for (const path of LONG || command === 'train' ? [file, 'link'] : ['link']) {
      const { code, stderr } = await chainrule([command, file, option, path], { cwd });
      expect(stderr).toContain(`${option} must name another file than the module, which it would replace`);
      expect(code).toBe(1);
    }
  });

  it('makes a directory that is missing', async () => {
    const cwd = folder();
    const { code } = await chainrule([command, writeModule(folder()), option, 'a/b/x.out', '-w', '1'], {
      cwd,
    });
    expect(readdirSync(cwd, { recursive: true })).toEqual(['a', 'a/b', 'a/b/x.out']);
    expect(code).toBe(0);
  });

  it('saves in another place, and names it, if the directory is gone in the end', async () => {
    const cwd = folder();
    mkdirSync(join(cwd, 'out'));
    const file = writeTrainingModule(folder());
    const gone = `(await import('node:fs')).rmSync('out', { recursive: true }),
      (await import('node:fs')).writeFileSync('out', ''), `;
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('data: async () => (', `data: async () => (${gone}`),
    );
    const { code, stderr } = await chainrule([command, file, option, 'out/x.out', '-w', '1'], { cwd });
    expect(stderr).toMatch(/could not be saved to out\/x\.out \(ENOTDIR.*\): instead, the file is\n/);
    const [, place = ''] = /instead, the file is\n(.+)\n/.exec(stderr) ?? [];
    expect(readdirSync(cwd)).toContain(place.slice(cwd.length + 1));
    if (command === 'train') expect(Object.keys((await io.readSafetensors(place)).tensors)).toHaveLength(4);
    expect(code).toBe(1);
  });
});

it('a full disk in the end costs no weights, and leaves no part of a file', async (context) => {
  const disk = smallDisk(8 * 1024);
  if (typeof disk === 'string') return context.skip(disk);
  try {
    const file = writeTrainingModule(
      folder(),
      'new nn.Sequential(new nn.Linear(6, 999), new nn.Linear(999, 3))',
    );
    const [cwd, temporary] = [folder(), folder()];
    const output = join(disk.dir, 'x.safetensors');
    const { code, stderr } = await chainrule(['train', file, '-o', output], { cwd });
    expect(stderr).toContain('ENOSPC');
    expect(readdirSync(disk.dir)).toEqual([]);
    expect(readdirSync(cwd)).toEqual([expect.stringMatching(/^x-\w{8}\.safetensors$/)]);
    expect(code).toBe(1);
    const env = { TMPDIR: temporary };
    const nowhere = await chainrule(['train', file, '-o', output], { cwd: disk.dir, env });
    expect(nowhere.stderr).toContain(`instead, the file is\n${temporary}`);
    expect(nowhere.code).toBe(1);
  } finally {
    disk.remove();
  }
});

it('weights are saved through a link, and the link stays', async () => {
  const cwd = folder();
  mkdirSync(join(cwd, 'v1'));
  symlinkSync(join('v1', 'x.safetensors'), join(cwd, 'latest'));
  for (let i = 0; i < 2; i++) {
    expect(await chainrule(['train', writeTrainingModule(folder()), '-o', 'latest'], { cwd })).toMatchObject({
      code: 0,
    });
    expect(readdirSync(join(cwd, 'v1'))).toEqual(['x.safetensors']);
  }
  expect(Object.keys((await io.readSafetensors(join(cwd, 'latest'))).tensors)).toHaveLength(4);
});

it.runIf(process.geteuid?.() !== 0)('a protected file or directory is refused', async () => {
  const cwd = folder();
  mkdirSync(join(cwd, 'dir'));
  writeFileSync(join(cwd, 'file'), '', { mode: 0o444 });
  chmodSync(join(cwd, 'dir'), 0o555);
  for (const path of ['file', 'dir/x']) {
    await expect(io.requireWritable(join(cwd, path))).rejects.toThrow('cannot be written: EACCES');
  }
});

it('a training that fails saves the weights of its last step', async () => {
  const cwd = folder();
  const file = writeTrainingModule(cwd);
  const text = readFileSync(file, 'utf8').replace(
    '({ train: samples() })',
    `data.stream(function* ({ epoch }) {
       if (epoch === 2) throw new Error('the connection is lost');
       for (let i = 0; i < 8; i++) yield { inputs: new Float32Array(6), target: 1 };
     }, { inputs: { shape: [6] } })`,
  );
  writeFileSync(file, text);
  const { code, stdout, stderr } = await chainrule(['train', file, '-e', '2'], { cwd });
  expect(stdout).toMatch(/stopped after 2 steps; their weights are in model\.safetensors\n$/);
  expect(stderr).toContain('the connection is lost');
  expect(readdirSync(cwd)).toContain('model.safetensors');
  expect(code).toBe(1);
});

it('and so does one in which an error is thrown where nobody catches it', async () => {
  const cwd = folder();
  const file = writeTrainingModule(cwd);
  const text = readFileSync(file, 'utf8').replace(
    'export default {',
    `const write = process.stdout.write;
     process.stdout.write = (text, ...rest) => {
       if (String(text).startsWith('epoch 2/')) Promise.reject(new Error('lost in the background'));
       return write.call(process.stdout, text, ...rest);
     };
     export default {`,
  );
  writeFileSync(file, text);
  const { code, stdout, stderr } = await chainrule(['train', file, '-e', '1000000', '-w', '1'], { cwd });
  expect(stderr).toMatch(/^lost in the background\n {2}at model\.mjs:\d+:\d+\n/);
  expect(stdout).toMatch(/stopped after [\d,]+ steps; their weights are in model\.safetensors\n$/);
  expect(code).toBe(1);
});

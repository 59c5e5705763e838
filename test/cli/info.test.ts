import { join } from 'node:path';
import { io } from 'chainrule';
import { expect, it } from 'vitest';
import { columnsOf } from '#lib/text/columns.js';
import { chainrule } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();
const data = new Float32Array(2);
const tensor = { dtype: 'float32', shape: [2], data } as const;

async function info(names: readonly string[], metadata: Record<string, string>, columns?: number) {
  const path = join(folder(), 'x.safetensors');
  await io.writeSafetensors(path, Object.fromEntries(names.map((name) => [name, tensor])), metadata);
  const { code, stdout } = await chainrule(['info', path], columns === undefined ? {} : { columns });
  expect(code).toBe(0);
  return stdout;
}

it('shows names and metadata without characters that could drive the terminal', async () => {
  const names = [
    'a\x1b]0;title\x07',
    'b\nc\r',
    'd\x9b2J',
    'e\u202ef\u2066',
    'g\u2028',
    'h\x7f',
    '\ud800',
    'i\u{e0041}',
  ];
  const said = await info(names, { 'k\x1b[31m': 'v\n\x1b[2J' });
  expect(said).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  for (const shown of [
    'a\\x1b]0;title\\x07',
    'b\\nc\\r',
    'd\\x9b2J',
    'e\\u202ef\\u2066',
    'g\\u2028',
    'h\\x7f',
  ]) {
    expect(said).toContain(shown);
  }
  expect(said).toContain('k\\x1b[31m: v\\n\\x1b[2J\n');
  expect(said).toContain('8 tensors, 16 elements, 64 bytes');
});

it('fits the terminal, and is whole elsewhere', async () => {
  const names = [`${'encoder.layers.'.repeat(10)}weight`, '重み.'.repeat(30)];
  const metadata = { description: 'words '.repeat(50) };
  for (const columns of [20, 40, 80]) {
    const lines = (await info(names, metadata, columns)).split('\n');
    expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(columns);
    expect(lines[0]).toMatch(/^enc.*….*ght/);
  }
  const whole = await info(names, metadata);
  for (const name of names) expect(whole).toContain(name);
  expect(whole).toContain(metadata.description);
});

it('names what is wrong in a file without the characters of the file', async () => {
  const path = join(folder(), 'x.safetensors');
  const { writeFileSync } = await import('node:fs');
  const header = Buffer.from('{"\\u001b[2J":{"dtype":"F\\u009b9","shape":[],"data_offsets":[0,0]}}');
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  writeFileSync(path, Buffer.concat([length, header]));
  const { code, stderr } = await chainrule(['info', path]);
  expect(stderr).toContain('tensor \\x1b[2J: dtype must be one of');
  expect(stderr).toContain('got F\\x9b9');
  expect(code).toBe(1);
  await expect(io.readSafetensors(path)).rejects.toThrow('tensor \\x1b[2J: dtype');
});

it('lists more tensors than a call may have arguments', async () => {
  const path = join(folder(), 'many.safetensors');
  const scalar = { dtype: 'uint8', shape: [], data: new Uint8Array(1) } as const;
  await io.writeSafetensors(
    path,
    Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`t${i}`, scalar])),
  );
  // The arguments of a call are on the stack, where 256 kB have room for 32,000.
  const { code, stdout } = await chainrule(['info', path], { flags: ['--stack-size=256'] });
  expect(stdout).toContain('40,000 tensors, 40,000 elements');
  expect(code).toBe(0);
});

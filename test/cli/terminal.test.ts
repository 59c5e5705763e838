import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '#lib/text/columns.js';
import { chainrule, program } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { LONG } from '../helpers/long.js';
import { writeTrainingModule } from '../helpers/training-module.js';

const folder = useFolder();

/** The lines that a terminal shows, without what moves its cursor. */
function linesOf(text: string): string[] {
  return stripVTControlCharacters(text.replaceAll(/\p{Cc}\[1G/gu, '\n')).split(/\r?\n/);
}

const deep = `new nn.Sequential(new nn.Linear(6, 16), ${'new nn.Sequential('.repeat(9)}new nn.Linear(16, 3)${')'.repeat(9)})`;

describe.each(LONG ? [20, 40, 80] : [20])('in a terminal of %i columns', (columns) => {
  it.each([
    ['train', ['-e', '2']],
    ['plan', []],
    ['profile', ['--steps', '2', '-w', '1']],
  ] as const)('%s fits', async (command, options) => {
    const cwd = folder();
    writeTrainingModule(cwd, deep);
    const { code, stdout, stderr } = await chainrule([command, 'model.mjs', ...options], { cwd, columns });
    const lines = linesOf(stdout + stderr).filter((line) => columnsOf(line) > columns);
    expect(lines).toEqual([]);
    expect(code).toBe(0);
  });
});

it.each([
  ...(LONG
    ? ([
        ['bench', 40],
        ['bench backward', 80],
      ] as const)
    : []),
  ['bench backward', 20],
] as const)('%s fits in a terminal of %i columns', async (command, columns) => {
  const args = [...command.split(' '), 'tiny_mlp', '-r', '1', '-w', '1'];
  const { code, stdout, stderr } = await chainrule(args, { columns });
  expect(linesOf(stdout + stderr).filter((line) => columnsOf(line) > columns)).toEqual([]);
  const shown = stdout.replace(/\s+/g, ' ');
  for (const words of [
    'tiny_mlp',
    'model',
    '16-64-64-2',
    'batch',
    command === 'bench' ? 'examples/s' : 'times longer',
  ]) {
    expect(shown).toContain(words);
  }
  expect(code).toBe(0);
});

it('the progress bar tells the loss at 40 columns', async () => {
  const cwd = folder();
  const { stderr } = await chainrule(['train', writeTrainingModule(cwd)], { cwd, columns: 40 });
  expect(linesOf(stderr)).toContainEqual(expect.stringMatching(/^epoch 1\/1 {2}100% {2}loss \d\.\d{4}/));
});

it('elsewhere, bench prints Markdown', async () => {
  const { stdout } = await chainrule(['bench', 'backward', 'tiny_mlp', '-r', '1']);
  expect(stdout).toMatch(
    /^\| case \| model .*\n\|---\|---\|---:\|---:\|---:\|---:\|\n\| tiny_mlp \| .* \|$/m,
  );
});

it('a stream without a length shows what is known', async () => {
  const cwd = folder();
  const file = writeTrainingModule(cwd);
  const stream = `data.stream(function* () {
    for (let i = 0; i < 8; i++) yield { inputs: new Float32Array(6), target: 1 };
  }, { inputs: { shape: [6] } })`;
  writeFileSync(file, readFileSync(file, 'utf8').replace('({ train: samples() })', stream));
  for (const command of ['train', 'plan']) {
    const { code, stdout, stderr } = await chainrule([command, file], { cwd, columns: 80 });
    expect(stdout + stderr).not.toMatch(/NaN|undefined|Infinity/);
    expect(code).toBe(0);
    if (command === 'train') expect(stdout).toContain('a stream of samples');
  }
  const { code, stderr } = await chainrule(['profile', file], { cwd });
  expect(stderr).toContain(
    'data().train must be a Dataset, as data.fromArrays() makes; the items of a stream',
  );
  expect(code).toBe(1);
});

describe.runIf(process.platform === 'linux')('output that cannot be written', () => {
  /** Runs a command line of the shell, with the program in `$chainrule`. */
  function shell(line: string, cwd: string) {
    const started = `"${process.execPath}" "${program}"`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line.replaceAll('chainrule', started)], {
      cwd,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  it('is no reason to lose weights: a closed pipe', () => {
    const cwd = folder();
    writeTrainingModule(cwd);
    const ran = shell('set -o pipefail; chainrule train model.mjs -e 50 | head -n 1', cwd);
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(cwd, 'model.safetensors'))).toBe(true);
  });

  it('a full disk', () => {
    const cwd = folder();
    writeTrainingModule(cwd);
    const { status, stderr } = shell('chainrule train model.mjs > /dev/full', cwd);
    expect(stderr).toBe('standard output cannot be written: ENOSPC: no space left on device, write\n');
    expect(existsSync(join(cwd, 'model.safetensors'))).toBe(true);
    expect(status).toBe(1);
  });

  it('ends what only prints, without a stack', async () => {
    const cwd = folder();
    const tensor = { dtype: 'uint8', shape: [], data: new Uint8Array(1) } as const;
    const tensors = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`tensor${i}`, tensor]));
    await io.writeSafetensors(join(cwd, 'x.safetensors'), tensors);
    const piped = shell('set -o pipefail; chainrule info x.safetensors | head -n 1', cwd);
    expect(piped).toEqual({ status: 0, stdout: 'tensor0      uint8  []  1\n', stderr: '' });
    const full = shell('chainrule info x.safetensors > /dev/full', cwd);
    expect(full).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^standard output .* ENOSPC.*\n$/),
    });
    expect(shell('chainrule train nothing.mjs 2> /dev/full', cwd).status).toBe(1);
  });
});

import { expect, it } from 'vitest';
import { chainrule, chainruleInThread } from '../helpers/command-line.js';
import { LONG } from '../helpers/long.js';

const positive = 'is invalid. It must be a positive integer';

it.each<[string, string]>([
  [
    'train x.mjs --batchsize 5',
    "train: unknown option '--batchsize'; did you mean --batch-size? (see chainrule train",
  ],
  ['train x.mjs --batch_size=5', "unknown option '--batch_size=5'; did you mean --batch-size?"],
  ['train x.mjs --num-epochs 5', "unknown option '--num-epochs'; did you mean --epochs?"],
  ['train x.mjs --colour', "chainrule train: unknown option '--colour' (see chainrule train --help)"],
  ['train x.mjs -q', "chainrule train: unknown option '-q' (see"],
  ['trian x.mjs', "chainrule: unknown command 'trian'; did you mean train? (see chainrule --help)"],
  ['help trian', "chainrule: unknown command 'trian'; did you mean train? (see chainrule --help)"],
  ['info nothing.safetensors', 'info: nothing.safetensors: there is no file '],
  ['info package.json/x', 'info: x: ENOTDIR'],
  ['info /dev/null', 'info: null: must be a regular file, got a device'],
  ['train x.mjs --memory lots', "train: --memory must be a positive number of bytes, a text such as '512MB'"],
  ['x.mjs', "chainrule: unknown command 'x.mjs' (see chainrule --help)"],
  ['train', "chainrule train: missing required argument 'file' (see"],
  ['info', "chainrule info: missing required argument 'file' (see"],
  [
    'train x.mjs y.mjs',
    "chainrule train: too many arguments for 'train'. Expected 1 argument but got 2 (see",
  ],
  ['train x.mjs --batch-size 0', positive],
  ['train x.mjs --epochs 1e300', positive],
  ['train x.mjs --epochs --seed', positive],
  ['train x.mjs --seed -1', 'It must be a non-negative integer (see'],
  ['train x.mjs --epochs', "option '-e, --epochs <n>' argument missing (see"],
  ['train x.mjs -e 1 -e 2', "option '-e, --epochs <n>' is given twice (see"],
  ['train x.mjs -e 1 --epochs=2', "option '-e, --epochs <n>' is given twice (see"],
  ['plan x.mjs --json --json', "option '--json' is given twice (see"],
  ['plan x.mjs --batch 1 --batch-size 2', '--batch is --batch-size: one of them is enough'],
  ['train x.mjs -o --epochs 2', 'For a file of that name, write ./--epochs (see'],
  ['train x.mjs --output=', 'It must be a path (see'],
  ['train x.mjs --save-every 5', 'train: --save-every needs --checkpoint'],
  ['bench scale --round 5', "chainrule bench scale: unknown option '--round'; did you mean --rounds?"],
  ['bench mnist_mpl', 'bench: unknown case mnist_mpl; did you mean mnist_mlp?'],
  ['bench scale x', 'bench scale: unknown model x; the models are '],
])('chainrule %s is refused in one line', async (line, message) => {
  const { code, stdout, stderr } = await chainruleInThread(line.split(' '));
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  if (!line.startsWith('bench scale x')) expect(stdout).toBe('');
  expect(code).toBe(1);
});

it.each(LONG ? [20, 40, 80] : [20])('the help of every command fits %i columns', async (columns) => {
  for (const command of ['', 'train', 'plan', 'profile', 'compare', 'info', 'bench']) {
    const { code, stdout } = await chainruleInThread([...command.split(' ').filter(Boolean), '--help'], {
      columns,
    });
    expect(code).toBe(0);
    const tooLong = stdout.split('\n').filter((text) => text.length > columns);
    expect(tooLong, command).toEqual([]);
    expect(stdout).toContain('Usage: chainrule');
  }
});

it('the command help tells of the others', async () => {
  expect(await chainruleInThread(['help'])).toEqual(await chainruleInThread(['--help']));
  expect(await chainruleInThread(['help', 'train'])).toEqual(await chainruleInThread(['train', '--help']));
  // As in a process.
  expect(await chainrule(['help', 'train'])).toMatchObject(await chainruleInThread(['help', 'train']));
  expect(await chainrule(['trian'])).toMatchObject(await chainruleInThread(['trian']));
});

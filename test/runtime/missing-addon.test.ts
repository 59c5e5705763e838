import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { useFolder } from '../helpers/folder.js';

const newFolder = useFolder();
const program = fileURLToPath(new URL('../helpers/programs/without-addon.mjs', import.meta.url));

/** What the program prints, and the errors that it ends with, where the addon is `file`. */
async function run(file: string) {
  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, CHAINRULE_ADDON: file },
  });
  const [printed = '', errors = '[]'] = stdout.split('errors: ');
  return { printed, errors: JSON.parse(errors) as string[] };
}

const missing = run('./no-such-addon.node');

it('without an addon, models are made, printed and counted', async () => {
  const { printed } = await missing;
  expect(printed).toMatch(/^Sequential/);
  expect(printed).toMatch(/Conv2d(.|\n)*TransformerEncoderLayer/);
  expect(printed).toContain(`parameters: ${4 * 9 + 4 + 2 * 4 + 4 * 13 * 13 * 10 + 10}\n`);
  expect(printed).toContain('Tensor(conv2d, float32[2,26,26,4])\n');
  expect(printed).toContain('Tensor(matmul, float32[2,10])\n');
});

it('without an addon, whatever computes fails every time, and says how to build it', async () => {
  const { errors } = await missing;
  expect(errors).toHaveLength(4);
  for (const error of errors) {
    // A relative path starts where the program does.
    const file = resolve('no-such-addon.node');
    expect(error).toContain(
      `ChainruleError: addon: the addon ${file} could not be loaded (Cannot find module '${file}')`,
    );
    expect(error).toContain('npm run setup');
  }
});

it('an addon that is broken is refused at every use', async () => {
  const file = join(newFolder(), 'broken.node');
  writeFileSync(file, 'no shared object');
  const { errors } = await run(file);
  expect(errors).toHaveLength(4);
  for (const error of errors)
    expect(error).toContain(`ChainruleError: addon: the addon ${file} could not be loaded (`);
});

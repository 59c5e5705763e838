import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);

it('the program of docs/several-inputs.md trains, and gives the figures that it names', async () => {
  const page = await readFile('docs/several-inputs.md', 'utf8');
  const [program = ''] = [...page.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] as string);
  // Below the repository, where `chainrule` is the package itself.
  const directory = await mkdtemp(join(process.cwd(), 'build', 'docs-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'program.mjs');
  await writeFile(
    file,
    program.replace('console.log(loss, validation)', 'console.log(JSON.stringify(validation))'),
  );
  const { stdout } = await run(process.execPath, [file]);
  const lines = stdout.split('\n');
  const epochs = lines.slice(0, 3).map((line) => JSON.parse(line) as Record<string, number>);
  const names = ['loss', 'rating.loss', 'click.loss', 'rating.mae', 'click.accuracy'];
  expect(epochs.map((figures) => Object.keys(figures))).toEqual([names, names, names]);
  expect(epochs[2]?.loss).toBeLessThan(0.5 * (epochs[0]?.loss ?? 0));
  expect(page).toContain(`{ ${names.map((name) => (name === 'loss' ? name : `'${name}'`)).join(', ')} }`);
});

// `npm run example [-- name]`: gets the repository ready, then runs an example; without a name, lists them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup/run.mjs';
import { setUp } from './setup.mjs';

const [name, ...rest] = process.argv.slice(2);
const names = readdirSync(join(root, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

if (name === undefined || !names.includes(name)) {
  const unknown = name === undefined ? '' : `There is no example "${name}". `;
  console.log(
    `${unknown}npm run example -- <name>, one of:\n${names.map((known) => `  ${known}`).join('\n')}`,
  );
  process.exit(name === undefined ? 0 : 1);
}
if (!(await setUp())) process.exit(1);

const file = join(root, `dist/examples/${name}.js`);
process.argv = [process.execPath, file, ...rest];
const example = await import(pathToFileURL(file).href);
if (example.default) {
  // A training module, which the command line trains.
  const main = join(root, 'dist/lib/cli/main.js');
  process.argv = [process.execPath, main, 'train', file, ...rest];
  await import(pathToFileURL(main).href);
}

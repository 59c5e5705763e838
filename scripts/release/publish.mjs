// `node scripts/release/publish.mjs <folder>`: publishes the packages of a release, from its workflow. The main package goes last: from
// then on, all that it asks for is there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { platforms } from '../../dist/lib/runtime/loader/platforms.js';
import { report, root, run, SetupError, step } from '../setup/run.mjs';

const [folder = 'build/release/packages'] = parseArgs({ allowPositionals: true }).positionals;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const names = [...Object.keys(platforms).map((platform) => `chainrule-${platform}`), 'chainrule'];
const files = names.map((name) => join(folder, `${name}-${version}.tgz`));

try {
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0)
    throw new SetupError(`Nothing was published, since these are missing: ${missing.join(', ')}`);
  for (const file of files)
    await step(`Publishing ${file}`, () =>
      run('npm', ['publish', file, '--provenance', '--access', 'public']),
    );
} catch (error) {
  report(error);
  process.exitCode = 1;
}

// `node scripts/release/publish.mjs <folder> [--dry-run]`: publishes the packages of a release, from its workflow. The main
// package goes last: from then on, all that it asks for is there. What the registry has by now is left alone, so that a
// run that failed half-way can be repeated.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, report, root, run, SetupError, step } from '../setup/run.mjs';
import { checksum } from './checksum.mjs';
import { recipes } from './recipes.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false } },
});
const folder = resolve(positionals[0] ?? 'build/release/packages');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const platforms = Object.keys(recipes);
const packages = [
  ...platforms.map((name) => ({ name: `@chainrule/${name}`, file: `chainrule-${name}-${version}.tgz` })),
  { name: 'chainrule', file: `chainrule-${version}.tgz` },
].map(({ name, file }) => ({ name, file: join(folder, file) }));

try {
  requireComplete();
  for (const { name, file } of packages)
    await step(`Publishing ${name}@${version}`, () => publish(name, file));
} catch (error) {
  report(error);
  process.exitCode = 1;
}

/** Nothing is published unless all of it is there, as it was built, and for the tag. */
function requireComplete() {
  const { GITHUB_REF_TYPE: type, GITHUB_REF_NAME: tag } = process.env;
  if (type === 'tag' && tag !== `v${version}`)
    throw new SetupError(`The tag is ${tag}, and package.json has the version ${version}.`);
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ file }) => file);
  if (missing.length > 0)
    throw new SetupError(`Nothing was published, since these are missing: ${missing.join(', ')}`);
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').split('\n');
  for (const { file } of packages) {
    if (!sums.includes(`${checksum(file)}  ${basename(file)}`))
      throw new SetupError(`Nothing was published, since ${file} has another checksum than SHA256SUMS.`);
  }
}

/** @param {string} name @param {string} file */
async function publish(name, file) {
  const { code, output } = await capture('npm', ['view', `${name}@${version}`, 'dist.integrity']);
  const there = code === 0 ? output.trim() : '';
  const integrity = `sha512-${checksum(file, 'sha512', 'base64')}`;
  if (there === integrity) return;
  if (there) throw new SetupError(`The registry has another ${name}@${version}: ${there}, not ${integrity}.`);
  const flags = options['dry-run'] ? ['--dry-run'] : ['--provenance'];
  await run('npm', ['publish', file, '--access', 'public', ...flags]);
}

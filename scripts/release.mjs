// `npm run release -- --dry-run [--platform host|all|<names>] [--out <folder>]`: builds the packages that would be published,
// as .tgz files in the folder, with their checksums and a bill of materials, and prints a table of them. Publishes nothing:
// the workflow of a release does, with provenance, once every platform's machine has run its part of this.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checksum } from './release/checksum.mjs';
import { report, root, SetupError, step } from './setup/run.mjs';
import { setUp } from './setup.mjs';

const { values: options } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    platform: { type: 'string', default: 'host' },
    out: { type: 'string', default: 'build/release/packages' },
  },
});

try {
  if (!options['dry-run'])
    throw new SetupError('Packages are published by the workflow of a release only.', {
      hint: 'To build them: npm run release -- --dry-run',
    });
  if (`${process.platform}-${process.arch}` !== 'linux-x64' || root.includes(' '))
    throw new SetupError(
      'A release is built on Linux on x64, for all platforms, in a folder without spaces in its path.',
    );
  if (await setUp({ addon: false })) await main();
  else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
}

async function main() {
  // What follows needs npm packages and compiled modules, which the set-up has just brought.
  const { platforms, thisPlatform } = await import('../dist/lib/runtime/loader/platforms.js');
  const { buildFor } = await import('./release/addon.mjs');
  const { billOfMaterials, linkedComponents, npmComponents } = await import('./release/components.mjs');
  const { pack, packageOf, stageMain, stagePlatform } = await import('./release/packages.mjs');
  const { recipes } = await import('./release/recipes.mjs');

  const chosen = choose(options.platform, Object.keys(platforms), Object.keys(recipes), thisPlatform());
  const out = resolve(options.out);
  const staged = join(root, 'build/release/staged');
  clear(out);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = [];

  const main = join(staged, 'chainrule');
  const parts = await step('Writing the package chainrule', () => stageMain(main, platforms));
  packages.push({ name: 'chainrule', parts, ...(await pack(main, out)) });
  for (const platform of chosen) {
    const addon = await step(`Building the addon for ${platform}`, () => buildFor(platform));
    const folder = join(staged, platform);
    const fields = /** @type {import('./release/packages.mjs').Platform} */ (platforms[platform]);
    const parts = await linkedComponents(recipes[platform]);
    stagePlatform(folder, platform, fields, addon, parts);
    packages.push({ name: packageOf(platform), parts, ...(await pack(folder, out)) });
  }

  const rows = packages.map(({ file, unpacked, ...more }) => ({
    ...more,
    file: basename(file),
    packed: statSync(file).size,
    unpacked,
    sha256: checksum(file),
  }));
  writeFileSync(join(out, 'SHA256SUMS'), rows.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join(''));
  const bom = billOfMaterials(
    rows.map(({ name, parts }) => ({
      name,
      version,
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      parts,
    })),
    npmComponents(['piscina', '@napi-rs/nice']),
    new Date().toISOString(),
  );
  writeFileSync(join(out, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
  printTable(rows, out);
  const left = Object.keys(platforms).filter((platform) => !chosen.includes(platform));
  if (left.length > 0) console.log(`\nnot built here: ${left.join(', ')}`);
}

/** Removes the packages of an earlier release from a folder. @param {string} out */
function clear(out) {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(out))
    if (/^chainrule-.*\.tgz$|^SHA256SUMS$|^sbom\.cdx\.json$/.test(name)) rmSync(join(out, name));
}

/** @param {string} wanted @param {string[]} all @param {string[]} possible @param {string} host */
function choose(wanted, all, possible, host) {
  const chosen = wanted === 'all' ? possible : wanted === 'host' ? [host] : wanted.split(',');
  for (const platform of chosen) {
    if (!all.includes(platform))
      throw new SetupError(`There is no platform ${platform}.`, { hint: `They are: ${all.join(', ')}` });
  }
  return chosen;
}

/** @param {{ file: string, packed: number, unpacked: number, sha256: string }[]} rows @param {string} out */
function printTable(rows, out) {
  const width = Math.max(...rows.map(({ file }) => file.length));
  const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(2).padStart(8);
  console.log(`\n${'package'.padEnd(width)}  MB packed  unpacked  SHA-256`);
  for (const { file, packed, unpacked, sha256 } of rows)
    console.log(`${file.padEnd(width)}   ${megabytes(packed)}  ${megabytes(unpacked)}  ${sha256}`);
  console.log(`\n${join(out, 'SHA256SUMS')}\n${join(out, 'sbom.cdx.json')} (CycloneDX 1.6)`);
}

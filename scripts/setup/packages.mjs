// The npm packages: installed as in package-lock.json, unless they are already.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, step } from './run.mjs';

/** Runs `npm ci` unless node_modules holds what package-lock.json asks for. */
export async function ensurePackages() {
  if (installed()) return;
  await step('Installing the npm packages', async () => {
    const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : undefined;
    // Without --include=dev a NODE_ENV of production would leave out the compiler.
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
    const hint = 'Is the npm registry reachable from here? Once it is, run the same command again.';
    if (npm) await run(process.execPath, [npm, ...args], { hint });
    else await run('npm', args, { hint });
  });
}

function installed() {
  const wanted = lockedPackages('package-lock.json');
  const present = lockedPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const there = present[path];
    // A missing optional package is one for another platform.
    if (!there) return entry.optional === true;
    return (
      there.version === entry.version && there.integrity === entry.integrity && existsSync(join(root, path))
    );
  });
}

/** @param {string} file @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>} */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return {};
  }
}

// The addon: built by CMake through cmake-js, and rebuilt only if its sources or settings have changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { root, run, runNode, step } from './run.mjs';

const addonPath = join(root, 'build/Release/chainrule.node');
const headers = join(root, 'native/include');
const stampPath = join(root, 'build/Release/chainrule.stamp');

/** True if the addon in build/Release is missing, or was built from other sources or with other settings. */
export function addonIsStale() {
  return (
    !existsSync(addonPath) || !existsSync(stampPath) || readFileSync(stampPath, 'utf8') !== fingerprint()
  );
}

/** Builds the addon in build/Release, and tries to load it. */
export async function ensureAddon() {
  if (!addonIsStale()) return;
  await step('Building the native addon (a minute or two)', async () => {
    await buildAddon('build/cmake');
    await loadAddon(addonPath);
  });
  writeFileSync(stampPath, fingerprint());
}

/**
 * Builds the addon, with `out` as CMake's folder. The addon is then in `out`/Release and, unless it is sanitized, also
 * in build/Release.
 * @param {string} out
 * @param {Record<string, string>} [options] CMake's
 */
export async function buildAddon(out, options = {}) {
  const folder = resolve(root, out);
  const definitions = { ...settings(), ...options };
  // The npm package has the headers of Node-API along; cmake-js may be in the same node_modules for another package's sake.
  const configure = () => (existsSync(headers) ? configurePlainly : configureByCmakeJs)(folder, definitions);
  try {
    await configure();
  } catch {
    // The folder may stem from another place or generator. If a fresh one fails as well, its error is the one to show.
    rmSync(folder, { recursive: true, force: true });
    await configure();
  }
  await run('cmake', [
    '--build',
    folder,
    '--config',
    'Release',
    '--parallel',
    String(availableParallelism()),
  ]);
}

/** @param {string} folder @param {Record<string, string>} definitions */
async function configureByCmakeJs(folder, definitions) {
  const script = createRequire(join(root, 'package.json')).resolve('cmake-js/bin/cmake-js');
  const options = Object.entries(definitions).map(([name, value]) => `--CD${name}=${value}`);
  await runNode(script, ['configure', ...options, '--out', folder]);
}

/** @param {string} folder @param {Record<string, string>} definitions */
async function configurePlainly(folder, definitions) {
  const all = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_JS_INC: headers,
    CMAKE_JS_VERSION: 'none',
    ...(process.platform === 'darwin'
      ? { CMAKE_OSX_ARCHITECTURES: process.arch === 'x64' ? 'x86_64' : process.arch }
      : {}),
    ...definitions,
  };
  const options = Object.entries(all).map(([name, value]) => `-D${name}=${value}`);
  const output = `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${join(folder, 'Release')}`;
  await run('cmake', ['-S', root, '-B', folder, output, ...options]);
}

/** Loads an addon in a process of its own. @param {string} path */
export async function loadAddon(path) {
  await run(process.execPath, ['-e', 'require(process.argv[1])', path]);
}

// Passed even when unset, since CMake would remember the previous setting.
function settings() {
  const { CHAINRULE_BLAS = 'auto', CHAINRULE_WERROR = 'OFF' } = process.env;
  return { CHAINRULE_BLAS, CHAINRULE_WERROR };
}

function fingerprint() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const headers = lock.packages['node_modules/node-addon-api']?.version;
  const hash = createHash('sha256');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  hash.update(JSON.stringify([process.platform, process.arch, version, headers, settings().CHAINRULE_BLAS]));
  for (const file of ['CMakeLists.txt', ...sources()])
    hash.update(`\n${file}\n`).update(readFileSync(join(root, file)));
  return `${hash.digest('hex')}\n`;
}

function sources() {
  const entries = readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => /\.(cc|h|cmake)$/.test(name))
    .map((name) => join('native', name))
    .sort();
}

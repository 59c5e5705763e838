// OpenBLAS as the published addons have it: single and double precision, no LAPACK, no threads of its own, for the few
// processors that differ. It is a tenth of what distributions build.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { capture, root, run, SetupError } from '../setup/run.mjs';
import { checksum } from './checksum.mjs';
import { OPENBLAS_VERSION } from './components.mjs';

const SHA256 = 'eb691e2cff83799400da22aa6ab93ebaa346ad317fea578b7ae119e226ce1b01';
const FILE = `pool/main/o/openblas/openblas_${OPENBLAS_VERSION}+ds.orig.tar.xz`;
const OPTIONS = [
  ...[
    'NO_SHARED=1',
    'USE_THREAD=0',
    'USE_LOCKING=1',
    'NO_LAPACK=1',
    'NO_LAPACKE=1',
    'ONLY_CBLAS=1',
    'NOFORTRAN=1',
  ],
  ...['BUILD_SINGLE=1', 'BUILD_DOUBLE=1', 'NO_AFFINITY=1'],
];

/**
 * Builds OpenBLAS once, and returns the folder that OpenBLAS_HOME names.
 * @param {string} platform
 * @param {readonly string[]} target the compiler and the processors, as options of its makefile
 * @param {NodeJS.ProcessEnv} [env]
 */
export async function buildOpenBlas(platform, target, env = {}) {
  const folder = join(root, 'build/release/openblas', platform);
  const home = join(folder, 'home');
  const stamp = join(folder, 'stamp');
  const zig = ['package.json', 'cc.sh'].map((name) =>
    readFileSync(join(root, 'scripts/release/zig', name), 'utf8'),
  );
  const wanted = JSON.stringify([SHA256, OPTIONS, target, ...(env.PATH ? zig : [])]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return home;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await run('tar', ['xf', await source(), '-C', folder, '--strip-components', '1']);
  const make = (/** @type {string[]} */ ...args) =>
    run('make', [...args, ...OPTIONS, ...target], { cwd: folder, env: { ...env, MAKEFLAGS: '' } });
  await make('libs', `-j${availableParallelism()}`);
  await make('install', `PREFIX=${home}`);
  writeFileSync(stamp, wanted);
  return home;
}

/** The archive of the source, from a mirror of Debian, with the checksum that stands here. */
async function source() {
  const folder = join(root, 'build/release/openblas');
  const archive = join(folder, `openblas-${OPENBLAS_VERSION}.tar.xz`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(archive) || checksum(archive) !== SHA256) {
    const response = await fetch(`${await mirror()}/${FILE}`);
    if (!response.ok)
      throw new SetupError(`The source of OpenBLAS is not at ${response.url} (${response.status}).`);
    writeFileSync(archive, Buffer.from(await response.arrayBuffer()));
  }
  const found = checksum(archive);
  if (found !== SHA256) throw new SetupError(`${archive} has the SHA-256 ${found}, not ${SHA256}.`);
  return archive;
}

/** The mirror that apt uses here, since others may be out of reach. */
async function mirror() {
  const { output } = await capture('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Codename: *',
    'ShortDesc: Packages',
  ]);
  const debian = output.split('\n').find((line) => /\/debian\/?$/.test(line));
  return (debian ?? 'https://deb.debian.org/debian').replace(/\/$/, '');
}

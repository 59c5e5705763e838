// The addon of a platform, as it is published: with BLAS and C++ library linked in, stripped, and for old systems.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, root, run, SetupError } from '../setup/run.mjs';
import { writeAccelerateStub } from './accelerate.mjs';
import { newer, OLDEST_GLIBC, writeGlibcStubs } from './glibc.mjs';
import { buildOpenBlas } from './openblas.mjs';
import { recipes } from './recipes.mjs';
import { ensureZig } from './zig.mjs';

/**
 * Builds the addon of a platform; the path of the file.
 * @param {string} platform
 */
export async function buildFor(platform) {
  const recipe = recipes[platform];
  if (!recipe) throw new SetupError(`There is no recipe for the addon for ${platform}.`);
  const { prefix, openblas, toolchain, oldGlibc, packages } = recipe;
  if (prefix !== undefined && (await capture(`${prefix}g++`, ['--version'])).code !== 0)
    throw new SetupError(`The addon for ${platform} takes ${packages.join(', ')}.`, {
      hint: `Run this line:\n\n    apt-get install -y ${packages.join(' ')}\n`,
    });
  const zig = prefix === undefined ? await ensureZig() : '';
  /** @type {NodeJS.ProcessEnv} */
  const env = zig ? { PATH: `${zig}:${process.env.PATH}` } : {};

  const folder = join(root, 'build/release/addon', platform);
  mkdirSync(folder, { recursive: true });
  /** @type {Record<string, string>} */
  const settings = { CHAINRULE_STRIP: 'ON' };
  if (toolchain) settings.CMAKE_TOOLCHAIN_FILE = join(root, 'native/toolchains', toolchain);
  if (zig) settings.CHAINRULE_ZIG = join(zig, 'zig');
  if (oldGlibc) {
    await writeGlibcStubs(join(folder, 'stubs'), prefix ?? '');
    settings.CHAINRULE_GLIBC_STUBS = join(folder, 'stubs');
  }
  if (openblas) env.OpenBLAS_HOME = await buildOpenBlas(platform, openblas, env);
  else settings.CHAINRULE_ACCELERATE_LIBRARY = writeAccelerateStub(join(folder, 'stubs'));

  // prebuildify takes the name from here, and puts what it builds into prebuilds/.
  writeFileSync(join(folder, 'package.json'), '{ "name": "chainrule" }\n');
  rmSync(join(folder, 'prebuilds'), { recursive: true, force: true });
  const [os = '', arch = '', libc] = platform.split('-');
  const tags = libc ? ['--tag-libc', '--libc', libc === 'gnu' ? 'glibc' : libc] : [];
  await run(
    process.execPath,
    [
      join(root, 'node_modules/prebuildify/bin.js'),
      ...['--napi', '--node-gyp', join(root, 'scripts/release/compile.mjs')],
      ...['--platform', os, '--arch', arch, ...tags],
    ],
    {
      cwd: folder,
      env: {
        ...env,
        CHAINRULE_CMAKE: JSON.stringify(settings),
        CHAINRULE_BLAS: openblas ? 'openblas' : 'accelerate',
      },
    },
  );
  const prebuilds = join(folder, 'prebuilds', `${os}-${arch}`);
  const [file = ''] = readdirSync(prebuilds);
  const addon = join(prebuilds, file);
  if (oldGlibc) await checkGlibc(addon, prefix ?? '');
  return addon;
}

/** Fails if an addon asks for a newer C library than the oldest one. @param {string} file @param {string} prefix */
async function checkGlibc(file, prefix) {
  const table = await run(`${prefix}objdump`, ['-T', file]);
  const versions = [...table.matchAll(/GLIBC_([\d.]+)/g)].map(([, version = '']) => version);
  const above = [...new Set(versions)].filter((version) => newer(version, OLDEST_GLIBC));
  if (versions.length === 0 || above.length > 0)
    throw new SetupError(
      `${file} needs glibc ${above.join(', ') || '(no version)'}; ${OLDEST_GLIBC} is the most.`,
    );
}

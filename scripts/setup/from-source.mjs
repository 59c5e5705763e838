// `npx chainrule build`: compiles the addon where the package is installed, for a system that no package is made for. It
// takes the tools that are there, or says how to get them, and keeps nothing but the addon.
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildAddon, loadAddon } from './addon.mjs';
import { report, root, SetupError, step, temporaryFolder } from './run.mjs';
import { installLine, missingTools, toolNames } from './system.mjs';

/**
 * Resolves to success; prints what it does, and for a failure the next step.
 * @param {string} [output] the file of the addon, where the loader finds it by default
 */
export async function buildFromSource(output) {
  try {
    await build(output === undefined ? join(root, 'build/Release/chainrule.node') : resolve(output));
    if (output !== undefined) console.error(`Set CHAINRULE_ADDON=${resolve(output)} to use it.`);
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

/** @param {string} file */
async function build(file) {
  if (existsSync(join(root, 'tsconfig.json')))
    throw new SetupError('This is a clone of the repository.', { hint: 'It is built by: npm run setup' });
  if (process.platform === 'win32')
    throw new SetupError(
      'On Windows the addon is not built from source: it is in the package @chainrule/win32-x64.',
    );
  const missing = await missingTools();
  if (missing.some(({ id }) => id !== 'blas')) {
    const other = missing.some(({ id }) => id === 'compiler')
      ? '\nCXX=... chooses another compiler than c++.\n'
      : '';
    throw new SetupError(`To build the addon, this system lacks ${toolNames(missing)}.`, {
      hint: `Run these lines:\n\n    ${installLine(missing)}\n    npx chainrule build\n${other}`,
    });
  }
  for (const { name, spare } of missing)
    console.error(`This system lacks ${name}: ${spare}. To have it: ${installLine(missing)}`);

  // CMake's folder takes several times the room of the addon, and the package may be on another disk than the sources.
  const folder = temporaryFolder('chainrule-build-');
  await step('Building the native addon (minutes)', () =>
    buildAddon(folder, { CHAINRULE_INSTALL: 'OFF', CHAINRULE_STRIP: 'ON' }),
  );
  await place(join(folder, 'Release/chainrule.node'), file);
  console.error(`The addon is ${file}`);
}

/**
 * Puts the addon, once it loads, in its place by renaming, so that a process which uses the old one keeps it.
 * @param {string} built @param {string} file
 */
async function place(built, file) {
  const beside = `${file}.new.node`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(built, beside);
  } catch (error) {
    throw new SetupError(
      `The addon cannot be written to ${file}: ${error instanceof Error ? error.message : error}`,
      {
        hint: 'Another place: npx chainrule build --output <file>, and CHAINRULE_ADDON=<file> for the programs that use it.',
      },
    );
  }
  try {
    await loadAddon(beside);
    renameSync(beside, file);
  } finally {
    rmSync(beside, { force: true });
  }
}

// Gets the repository ready to run: system packages, npm packages, the addon, the compiled TypeScript; each only if it
// is missing. Needs nothing but Node.js. As a command: `npm run setup`.
import { pathToFileURL } from 'node:url';
import { addonIsStale, ensureAddon } from './setup/addon.mjs';
import { bundleClone } from './setup/bundle-clone.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { report, SetupError } from './setup/run.mjs';
import { ensureTools } from './setup/system.mjs';
import { ensureTypes } from './setup/types.mjs';

/**
 * Sets up what is missing. Prints a line for each thing done, and for a failure the next step. Resolves to success.
 * @param {{ addon?: boolean }} [options] `addon: false` leaves the addon to the caller.
 */
export async function setUp({ addon = true } = {}) {
  try {
    checkPlatform();
    if (!addon || addonIsStale()) await ensureTools();
    await ensurePackages();
    if (addon) await ensureAddon();
    await ensureTypes();
    await bundleClone();
    return true;
  } catch (error) {
    report(error);
    return false;
  }
}

function checkPlatform() {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new SetupError(`chainrule needs Node.js 20 or newer; this is ${process.version}.`);
  if (process.platform === 'win32') {
    throw new SetupError('The build scripts do not know Windows.', {
      hint: 'Run them in WSL 2 (https://aka.ms/wsl).',
    });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = (await setUp()) ? 0 : 1;
}

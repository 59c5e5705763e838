import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../graph/errors.js';
import { manifest, packageRoot, requireHere } from '../package-root.js';
import * as failures from './failures.js';
import { platforms, possiblePlatforms, thisPlatform } from './platforms.js';

/** What every build of the addon has: the version of the package that it belongs to. */
interface Versioned {
  readonly version?: string;
}

/**
 * Loads the native addon: the file that CHAINRULE_ADDON names, or one that was built in this package, or that of the
 * platform's package. There is no second try: a file that does not load is an error, also if another one might.
 *
 * @throws with the code ERR_CHAINRULE_ADDON, and with what to do
 */
export function loadAddon(): object {
  const { name, version } = manifest();
  if (name !== 'chainrule') throw failures.bundled();
  if (Number.parseInt(process.versions.node, 10) < 20) throw failures.oldNode();
  const given = process.env.CHAINRULE_ADDON;
  const file = given ? resolve(given) : (builtHere() ?? ofPlatform());
  let addon: Versioned;
  try {
    addon = requireHere(file);
  } catch (error) {
    throw failures.unloadable(file, messageOf(error), error);
  }
  if (addon.version !== version) throw failures.otherVersion(file, addon.version, version);
  return addon;
}

function builtHere(): string | undefined {
  const file = fileURLToPath(new URL('build/Release/chainrule.node', packageRoot));
  return existsSync(file) ? file : undefined;
}

/** The file of the platform's package. Where package managers installed one of them, it is the right one. */
function ofPlatform(): string {
  const installed = possiblePlatforms().flatMap((name) => addonOf(name) ?? []);
  if (installed.length === 1) return installed[0] as string;
  const platform = thisPlatform();
  if (!Object.hasOwn(platforms, platform)) throw failures.unpublished(platform);
  const file = addonOf(platform);
  if (file === undefined) throw failures.missing(platform);
  return file;
}

function addonOf(platform: string): string | undefined {
  try {
    return requireHere.resolve(`@chainrule/${platform}`);
  } catch {
    return undefined;
  }
}

// Why the native addon cannot be loaded, and what to do. A message is one line: what is missing, then the remedy.

import { existsSync } from 'node:fs';
import type { ChainruleError } from '../../graph/errors.js';
import { failed } from '../../graph/errors.js';
import { packageRoot } from '../package-root.js';
import { glibcVersion, thisPlatform } from './platforms.js';

/** The repository has its settings of the compiler, and the package has not. */
const inClone = existsSync(new URL('tsconfig.json', packageRoot));
const COMMAND = inClone ? 'npm run setup' : 'npx chainrule build';
/** The other way to an addon, which Windows does not have. */
const BUILD = process.platform === 'win32' ? '' : `; "${COMMAND}" builds it from source`;

/** No package of this system's kind exists. */
export function unpublished(platform: string): ChainruleError {
  return failure(`no package has an addon for ${platform}${BUILD}`);
}

/** The package of this system was not installed. */
export function missing(platform: string): ChainruleError {
  if (inClone) return failure(`the addon of this clone has not been built: run "${COMMAND}"`);
  return failure(
    `the package @chainrule/${platform}, which has the addon for this system, is not installed. It is an optional ` +
      'dependency of chainrule: an install with --omit=optional (or --no-optional) leaves it out, and so does npm if ' +
      'package-lock.json was written, or node_modules copied, on a system of another kind. Delete both and run ' +
      `"npm install" again${BUILD}`,
  );
}

/** The addon is there, but the system refuses to load it. */
export function unloadable(file: string, reason: string, cause: unknown): ChainruleError {
  const [first = ''] = reason.split('\n', 1);
  const needed = /version [`']?GLIBC_([\d.]+)/.exec(reason)?.[1];
  if (needed !== undefined) {
    const here = glibcVersion() ?? 'another C library';
    return failure(
      `the addon ${file} needs glibc ${needed} or newer, and this system has ${here}${BUILD}`,
      cause,
    );
  }
  const platform = thisPlatform();
  // node_modules was copied from a system with the other C library.
  if (/@chainrule[\\/]linux-/.test(file) && !file.includes(platform)) return missing(platform);
  return failure(`the addon ${file} could not be loaded (${first})${BUILD}`, cause);
}

/** The addon belongs to another version of chainrule. */
export function otherVersion(file: string, found = 'unknown', wanted = 'unknown'): ChainruleError {
  return failure(
    `the addon ${file} is of version ${found}, and chainrule is ${wanted}: both must be the same. Delete node_modules ` +
      `and install again${BUILD}`,
  );
}

/** The code was copied into a bundle, without the files that it needs. */
export function bundled(): ChainruleError {
  return failure(
    'chainrule runs from a bundle, which has neither the native addon nor the files that threads start with: mark ' +
      'chainrule as external (--external:chainrule of esbuild; external: ["chainrule"] of rollup and vite; ' +
      'externals: { chainrule: "commonjs chainrule" } of webpack)',
  );
}

/** Node.js is too old. */
export function oldNode(): ChainruleError {
  return failure(`chainrule needs Node.js 20 or newer, and this is ${process.version}`);
}

function failure(expected: string, cause?: unknown): ChainruleError {
  return failed('ERR_CHAINRULE_ADDON', 'addon', expected, cause === undefined ? {} : { cause });
}

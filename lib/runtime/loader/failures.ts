// Why the native addon cannot be loaded, and what to do. A message is one line: what is missing, then the remedy.

import { existsSync } from 'node:fs';
import type { ChainruleError } from '../../graph/errors.js';
import { failed } from '../../graph/errors.js';
import { packageRoot } from '../package-root.js';
import { glibcVersion } from './platforms.js';

/** The repository has its settings of the compiler, and the package has not. */
const inClone = existsSync(new URL('tsconfig.json', packageRoot));
const BUILD = `to build the addon from source, run "${inClone ? 'npm run setup' : 'npx chainrule build'}"`;

/** What to tell a bundler. */
export const MARK_EXTERNAL =
  'mark chainrule as external (--external:chainrule of esbuild; external: ["chainrule"] of rollup and vite; ' +
  'externals: { chainrule: "commonjs chainrule" } of webpack)';

/** No package of this system's kind exists. */
export function unpublished(platform: string): ChainruleError {
  return failure(`no package has an addon for ${platform}; ${BUILD}`);
}

/** The package of this system was not installed. */
export function missing(platform: string, cause: unknown): ChainruleError {
  if (inClone) return failure(`the addon of this clone has not been built; ${BUILD}`, cause);
  return failure(
    `the package @chainrule/${platform}, which has the addon for this system, is not installed. It is an optional ` +
      'dependency of chainrule: an install with --omit=optional (or --no-optional) leaves it out, and so does npm if ' +
      'package-lock.json was written, or node_modules copied, on a system of another kind. Delete both and run ' +
      `"npm install" again; or ${BUILD}`,
    cause,
  );
}

/** The addon is there, but the system refuses to load it. */
export function unloadable(file: string, reason: string, cause: unknown): ChainruleError {
  const [first = ''] = reason.split('\n', 1);
  const needed = /version [`']?GLIBC_([\d.]+)/.exec(reason)?.[1];
  if (needed !== undefined) {
    const here = glibcVersion() ?? 'another C library';
    return failure(
      `the addon ${file} needs glibc ${needed} or newer, and this system has ${here}; ${BUILD}`,
      cause,
    );
  }
  return failure(`the addon ${file} could not be loaded (${first}); ${BUILD}`, cause);
}

/** The addon belongs to another version of chainrule. */
export function otherVersion(file: string, found = 'unknown', wanted = 'unknown'): ChainruleError {
  return failure(
    `the addon ${file} is of version ${found}, and chainrule is ${wanted}: both must be the same. Delete node_modules ` +
      `and install again; or ${BUILD}`,
  );
}

/** The code was copied into a bundle, without the files that it needs. */
export function bundled(folder: string): ChainruleError {
  return failure(
    `chainrule runs from a bundle (no package "chainrule" around its code, searched from ${folder}), which has neither ` +
      `the native addon nor the files that threads start with: ${MARK_EXTERNAL}`,
  );
}

/** Node.js is too old. */
export function oldNode(): ChainruleError {
  return failure(`chainrule needs Node.js 20 or newer, and this is ${process.version}`);
}

function failure(expected: string, cause?: unknown): ChainruleError {
  return failed('ERR_CHAINRULE_ADDON', 'addon', expected, cause === undefined ? {} : { cause });
}

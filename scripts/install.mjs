// npm runs this where the package is installed: it takes a prebuilt addon that loads here, or else builds one from
// source. Downloads nothing. Without a compiler it fails, and says what to install: npm hides the output of a script
// that succeeds.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildAddon, loadAddon } from './setup/addon.mjs';
import { report, root, SetupError } from './setup/run.mjs';
import { installLine, missingTools, toolNames } from './setup/system.mjs';

// In the repository itself, `npm start` and `npm test` build.
const inRepository = existsSync(join(root, 'tsconfig.json'));

async function ready() {
  if (process.env.npm_config_build_from_source) return false;
  try {
    await loadAddon(createRequire(import.meta.url)('node-gyp-build').resolve(root));
    return true;
  } catch {
    return false;
  }
}

async function build() {
  const missing = await missingTools();
  if (missing.length > 0) {
    throw new SetupError(
      `chainrule has no prebuilt addon for this system, and to build one lacks ${toolNames(missing)}.`,
      {
        hint: `Run these lines:\n\n    ${installLine(missing)}\n    npm install chainrule\n`,
      },
    );
  }
  await buildAddon('build/cmake');
  await loadAddon(join(root, 'build/Release/chainrule.node'));
}

if (!inRepository && !(await ready())) {
  try {
    await build();
  } catch (error) {
    report(error);
    process.exitCode = 1;
  }
}

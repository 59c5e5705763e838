// `npm run docs`: writes docs/api.md, every public name with the results of the last whole run of the tests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readChecks } from './api/checks.mjs';
import { apiPage } from './api/page.mjs';
import { publicNames } from './api/public-names.mjs';
import { report, root, SetupError } from './setup/run.mjs';
import { setUp } from './setup.mjs';

try {
  if (await setUp()) {
    const checks = readChecks();
    if (checks.size === 0) {
      throw new SetupError(
        'docs/api.md shows the results of a whole run of the tests, and there is none here.',
        {
          hint: 'Run npm test first. It ends with the names that the page lacks; then npm run docs adds them.',
        },
      );
    }
    mkdirSync(join(root, 'docs'), { recursive: true });
    const { ops } = await import(pathToFileURL(join(root, 'dist/lib/ops/primitives/table.js')).href);
    writeFileSync(join(root, 'docs/api.md'), apiPage(await publicNames(), [...ops.values()], checks));
    console.log('docs/api.md');
  } else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
}

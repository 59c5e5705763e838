// Fails, naming them, if public functions that compute something were not compared with an oracle in the last whole run
// of the tests, have no docstring, or are missing from docs/api.md. `npm test` runs it last.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needsCheck, readChecks } from './api/checks.mjs';
import { publicNames } from './api/public-names.mjs';
import { root } from './setup/run.mjs';

const names = await publicNames();
const checks = readChecks();
const pagePath = join(root, 'docs/api.md');
const page = existsSync(pagePath) ? readFileSync(pagePath, 'utf8') : '';

complain('has no check', (name) => needsCheck(name) && !checks.has(name.name));
complain('has no docstring', ({ summary }) => summary === '');
complain(
  'is not in docs/api.md; npm run docs adds it',
  ({ signature }) => !page.includes(`\`${signature}\``),
);

/** @param {string} what @param {(name: import('./api/public-names.mjs').PublicName) => boolean} isFault */
function complain(what, isFault) {
  const faults = names.filter(isFault);
  for (const { path, module } of faults) console.log(`${path} (lib/${module}.ts) ${what}`);
  if (faults.length > 0) process.exitCode = 1;
}

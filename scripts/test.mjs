// `npm test [-- arguments of vitest]`: set-up, types, lint, then the tests. The last line counts them. `--long` runs the long
// proofs whole instead of a sample, `--slice` a part of them after the sample, and `--package` looks at the package as npm
// packs it.
// A check that fails does not hide the next one; it counts as one failure.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reportPath } from './api/checks.mjs';
import { sliceOfCommit } from './long-slices.mjs';
import { capture, root, seconds } from './setup/run.mjs';
import { tsc } from './setup/types.mjs';
import { setUp } from './setup.mjs';

const results = 'build/test-results.json';
const sliceResults = 'build/slice-results.json';

// Prints a line where it cannot check.
const formatCheck = { name: 'the C++ format', args: ['scripts/lint-native.mjs'] };
const checks = [
  { name: 'the types of the tests', args: [tsc, '-p', 'tsconfig.test.json'] },
  { name: 'the architecture', args: ['scripts/check-architecture.mjs'] },
  { name: 'the lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'] },
  formatCheck,
];
// Reads the comparisons of a whole run of the tests, so it comes after them.
const apiCheck = {
  name: 'that every public function is proven and documented',
  args: ['scripts/check-api.mjs'],
};
const packageCheck = { name: 'the package', args: ['scripts/test-package.mjs'] };

const options = process.argv.slice(2);
const patterns = options.filter((option) => !['--package', '--long', '--slice'].includes(option));
if (options.includes('--package')) checks.push(packageCheck);
const long = options.includes('--long');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major === 20 && minor < 19) {
  console.error(
    `vitest needs Node.js 20.19 or newer; this is ${process.version}. \`npm start\` works with it.`,
  );
  finish({ passed: 0, failed: 1, skipped: 0 });
}
if (!(await setUp())) finish({ passed: 0, failed: 1, skipped: 0 });

/** @type {string[]} */
const broken = [];
for (const check of checks) await perform(check);
const counts = await runTests(patterns, { whole: long, results });
if (patterns.length === 0) await perform(apiCheck);
if (options.includes('--slice')) {
  const slice = await sliceOfCommit();
  console.log(`The long proofs of ${slice.join(', ')}, whole:`);
  const more = await runTests(slice, { whole: true, results: sliceResults });
  counts.passed += more.passed;
  counts.failed += more.failed;
  counts.skipped += more.skipped;
}
if (broken.length > 0) console.log(`Failed beside the tests, and counted with them: ${broken.join(', ')}`);
finish({ ...counts, failed: counts.failed + broken.length });

/** @param {{ name: string, args: string[] }} check */
async function perform({ name, args }) {
  process.stdout.write(`Checking ${name} ... `);
  const start = performance.now();
  const { code, output } = await capture(process.execPath, args);
  console.log(code === 0 ? `${seconds(start)} s` : `failed\n${output}`);
  if (code === 0 && name === formatCheck.name) process.stdout.write(output);
  if (code !== 0) broken.push(name);
}

/**
 * @param {readonly string[]} args
 * @param {{ whole: boolean, results: string }} options `whole` of the long proofs, or a sample; the file of the results
 */
async function runTests(args, { whole, results }) {
  mkdirSync(join(root, 'build'), { recursive: true });
  rmSync(join(root, results), { force: true });
  const all = args.length === 0;
  if (all) rmSync(reportPath, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args];
  const env = { ...(whole ? { CHAINRULE_LONG: '1' } : {}), ...(all ? { CHAINRULE_REPORT: reportPath } : {}) };
  const { code } = await capture(process.execPath, vitest, { inherit: true, env });
  const counts = countTests(results);
  // A failure outside of any test (an unhandled rejection, no test found) still fails the run.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** @param {string} results */
function countTests(results) {
  try {
    const report = JSON.parse(readFileSync(join(root, results), 'utf8'));
    // A file that does not load fails without containing a failed test.
    const files = report.testResults.filter(
      (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
        file.status === 'failed' && file.assertionResults.length === 0,
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + files.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** @param {{ passed: number, failed: number, skipped: number }} counts @returns {never} */
function finish({ passed, failed, skipped }) {
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
  process.exit(failed === 0 ? 0 : 1);
}

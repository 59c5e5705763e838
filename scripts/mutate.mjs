// `npm run mutate [-- part of a fault's name ...]`: plants the faults of scripts/mutations/faults.mjs, one at a time,
// in a copy of the repository, and runs the tests that should see each. Writes docs/mutations.md when all faults were
// tried. A fault that no test sees is a gap in the tests, and fails the command.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { faults } from './mutations/faults.mjs';
import { capture, report, root, SetupError, seconds } from './setup/run.mjs';
import { tsc } from './setup/types.mjs';
import { setUp } from './setup.mjs';

/** @typedef {import('./mutations/faults.mjs').Fault} Fault */
/** The outcome of a fault. @typedef {{ fault: Fault, caughtBy: string | null }} Outcome */

const copy = join(root, 'build/mutants');
const results = join(copy, 'build/results.json');

async function main() {
  const wanted = process.argv.slice(2);
  const chosen = faults.filter(
    ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
  );
  if (chosen.length === 0) {
    throw new SetupError(
      `no fault has a name with ${wanted.join(' or ')}; scripts/mutations/faults.mjs lists them`,
    );
  }
  for (const fault of chosen) requireOnePlace(fault);
  await copyRepository();
  const fault = (await rebuild(['native', 'lib'])) ?? (await firstFailure(testFiles(chosen)));
  if (fault) throw new Error(`mutate: fails without any fault, ${fault}`);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const [i, fault] of chosen.entries()) {
    process.stdout.write(`${i + 1}/${chosen.length} ${fault.name} ... `);
    const start = performance.now();
    const caughtBy = await attempt(fault);
    console.log(`${caughtBy ? `caught: ${caughtBy}` : 'SURVIVED'} (${seconds(start)} s)`);
    outcomes.push({ fault, caughtBy });
  }
  const survivors = outcomes.filter(({ caughtBy }) => !caughtBy);
  console.log(`${outcomes.length - survivors.length} of ${outcomes.length} faults caught`);
  if (chosen.length === faults.length) writeFileSync(join(root, 'docs/mutations.md'), page(outcomes));
  if (survivors.length > 0) process.exitCode = 1;
}

/** Copies all files that git tracks or would track, so that faults can be planted in work in progress. */
async function copyRepository() {
  const { output } = await capture('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  for (const folder of ['lib', 'native', 'test', 'examples', 'bench']) {
    rmSync(join(copy, folder), { recursive: true, force: true });
  }
  for (const file of output.trim().split('\n')) {
    // A second configuration of the linter would disturb the first.
    if (file === 'biome.json' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { preserveTimestamps: true });
  }
  if (!existsSync(join(copy, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}

/** Throws unless a fault's text occurs exactly once in its file. @param {Fault} fault */
function requireOnePlace({ name, file, find }) {
  const path = join(root, file);
  const places = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0;
  if (places !== 1)
    throw new SetupError(`${name}: ${file} has ${places} places, not one, that read\n${find}`);
}

/** The name of the first test that fails with the fault in place, or null. @param {Fault} fault */
async function attempt(fault) {
  const path = join(copy, fault.file);
  const original = readFileSync(path, 'utf8');
  try {
    writeFileSync(
      path,
      original.replace(fault.find, () => fault.replace),
    );
    const compiled = await rebuild([fault.file]);
    return compiled ?? (await firstFailure(fault.tests));
  } finally {
    writeFileSync(path, original);
    await rebuild([fault.file]);
  }
}

/**
 * Compiles what the files belong to. Returns the compiler's error, which catches a fault as well, or null.
 * @param {string[]} files
 */
async function rebuild(files) {
  if (files.some((file) => file.startsWith('native'))) {
    // The addon's own matrix products need AVX2.
    const isas = process.arch === 'x64' ? 'baseline;avx2' : 'baseline';
    const build = `import('./scripts/setup/addon.mjs').then((m) => m.buildAddon('build/cmake', { CHAINRULE_ISAS: '${isas}' }))`;
    const { code, output } = await capture(process.execPath, ['-e', build], { cwd: copy });
    if (code !== 0) return `the C++ compiler: ${firstError(output)}`;
  }
  if (files.some((file) => file.startsWith('lib'))) {
    const { code, output } = await capture(process.execPath, [join(root, tsc), '-p', '.'], { cwd: copy });
    if (code !== 0) return `the type checker: ${firstError(output)}`;
    const bundle = `import('./scripts/setup/bundle-clone.mjs').then((m) => m.bundleClone())`;
    await capture(process.execPath, ['-e', bundle], { cwd: copy });
  }
  return null;
}

/** The test files of the given faults, without the names of single tests. @param {readonly Fault[]} chosen */
function testFiles(chosen) {
  return [
    ...new Set(chosen.flatMap(({ tests }) => tests.filter((argument) => argument.startsWith('test/')))),
  ];
}

/** @param {string} output */
function firstError(output) {
  return output.split('\n').find((line) => line.includes('error')) ?? output.slice(0, 200);
}

/** @param {readonly string[]} tests */
async function firstFailure(tests) {
  rmSync(results, { force: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--bail=1', '--reporter=json', `--outputFile=${results}`, ...tests];
  const { code, output } = await capture(process.execPath, args, { cwd: copy });
  if (code === 0) return null;
  if (!existsSync(results)) return `the run itself: ${output.trim().split('\n').at(-1)}`;
  /** @type {{ testResults: { name: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  return failed?.fullName ?? 'a test file that no longer loads';
}

/** @param {readonly Outcome[]} outcomes */
function page(outcomes) {
  const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = outcomes.map(
    ({ fault, caughtBy }) => `| ${fault.name} | \`${fault.file}\` | ${cell(caughtBy ?? '**nothing**')} |`,
  );
  const caught = outcomes.filter(({ caughtBy }) => caughtBy).length;
  return `# Seeded faults

\`npm run mutate\` plants each of these faults in a copy of the repository and runs the tests that should see it. Of
${outcomes.length} faults, ${caught} were caught. This page is generated by that command.

| fault | file | the first test that fails |
|---|---|---|
${rows.join('\n')}
`;
}

try {
  if (await setUp()) await main();
  else process.exitCode = 1;
} catch (error) {
  report(error);
  process.exitCode = 1;
}

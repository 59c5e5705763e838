// `npm run prove [-- parts] [--write]`: shows what docs/parallel.md promises; --write puts the results into that page.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runParts } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const page = join(root, 'docs/parallel.md');
const KILLS = 25;

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(root, path)).href);

/** The hashes of the weights, by model and what trained it. */
async function bits() {
  const { areSame, runSameBits } = await load('dist/bench/same-bits.js');
  const { counted } = await load('dist/lib/text/names.js');
  const results = [];
  const rows = new Map();
  for await (const result of runSameBits()) {
    results.push(result);
    const { model, steps, shards, machine, hash, again, resumed } = result;
    const name = machine.cores ? counted(machine.cores, 'core') : counted(machine.workers, 'worker');
    console.error(`${model}, ${name}: ${hash}, again ${again}, resumed ${resumed}`);
    const { hashes = new Map() } = rows.get(result.case) ?? {};
    rows.set(result.case, {
      model,
      steps,
      shards,
      hashes: hashes.set(hash, [...(hashes.get(hash) ?? []), name]),
    });
  }
  const same = areSame(results);
  if (!same) process.exitCode = 1;
  return [
    '| model | steps | shards | SHA-256 | on |',
    '|---|---:|---:|---|---|',
    ...[...rows.values()].flatMap(({ model, steps, shards, hashes }) =>
      [...hashes].map(
        ([hash, names]) => `| ${model} | ${steps} | ${shards} | \`${hash}\` | ${names.join(', ')} |`,
      ),
    ),
    '',
    same
      ? 'Each run was repeated, and run once more with a stop in the middle of an epoch and a resume on the next ' +
        'of these: the hashes are the same.'
      : 'THESE SHOULD BE EQUAL, for each model, on a second run, and after a resume.',
  ].join('\n');
}

/** Accuracies with the statistics of the batch and of each shard. */
async function statistics() {
  const { runBatchStatistics } = await load('dist/bench/batch-statistics.js');
  const { sum } = await load('dist/lib/bench/statistics.js');
  const rows = [];
  for await (const { statistics: of, shards, accuracies } of runBatchStatistics()) {
    const percent = (/** @type {number} */ share) => (100 * share).toFixed(2);
    const cells = [sum(accuracies) / accuracies.length, Math.min(...accuracies), Math.max(...accuracies)].map(
      percent,
    );
    rows.push(`| ${of} | ${shards} | ${cells.join(' | ')} |`);
    console.error(rows.at(-1));
  }
  return [
    '| statistics | shards | mean accuracy, % | least | most |',
    '|---|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

/** Result of a run that is killed again and again. */
async function kills() {
  const { complete, killAndResume } = await load('test/helpers/programs/kill-and-resume.mjs');
  const run = { epochs: 1000, everySteps: 1, shards: 8 };
  const undisturbed = await complete({ ...run, workers: 2 });
  const epochMilliseconds = undisturbed.milliseconds / run.epochs;
  const dir = mkdtempSync(join(tmpdir(), 'prove-'));
  try {
    const { result, lives } = await killAndResume({ dir, kills: KILLS, epochMilliseconds, run });
    return describeKills(undisturbed, result, lives);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * @typedef {{ hash: string, figures: string, from: number, steps: number }} RunResult
 * @param {RunResult} undisturbed
 * @param {RunResult} result
 * @param {readonly { saving: boolean }[]} lives
 */
function describeKills(undisturbed, result, lives) {
  const saved = lives.filter(({ saving }) => saving).length;
  const same = result.hash === undisturbed.hash && result.figures === undisturbed.figures;
  if (!same) process.exitCode = 1;
  return [
    `${lives.length} kills by SIGKILL at random moments, ${saved} of them while a file was being written, with 1, 2, 3, 4,`,
    `5 and 8 workers in turn; the last process resumed at step ${result.from} of ${result.steps}. Weights:`,
    `\`${result.hash.slice(0, 16)}\`, those of the uninterrupted run: \`${undisturbed.hash.slice(0, 16)}\`.`,
    same ? 'Weights and history are the same.' : 'THEY DIFFER.',
  ].join('\n');
}

/**
 * The output of `chainrule bench`.
 *
 * @param {...string} args
 * @returns {Promise<string>}
 */
function bench(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/lib/cli/main.js'), 'bench', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(text.trim()) : reject(new Error(`bench ${args.join(' ')} ended with ${code}`)),
    );
  });
}

const CASES = ['mnist_mlp', 'large_mlp', 'mnist_cnn', 'resnet20', 'resnet18', 'char_gpt'];

/** @type {Record<string, () => Promise<string>>} */
const parts = {
  bits,
  kills,
  statistics,
  scaling: () => bench('scale-workers', ...CASES),
  shards: () => bench('shards', ...CASES, 'lenet', 'lstm'),
  service: () => bench('service'),
};

await runParts(page, parts);

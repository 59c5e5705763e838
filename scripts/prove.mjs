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

/** The hashes of the weights, by model and number of workers. */
async function bits() {
  const { areSame, runSameBits } = await load('dist/bench/same-bits.js');
  const results = [];
  const rows = new Map();
  for await (const result of runSameBits()) {
    results.push(result);
    const { model, steps, workers, hash, again, resumed } = result;
    console.error(`${model}, ${workers} workers: ${hash}, again ${again}, resumed ${resumed}`);
    rows.set(model, { ...rows.get(model), steps, [workers]: hash });
  }
  const counts = [...new Set(results.map(({ workers }) => workers))];
  const same = areSame(results);
  const table = [
    ['model', 'steps', ...counts.map((count) => `${count} worker${count === 1 ? '' : 's'}`)],
    ['---', '---:', ...counts.map(() => '---')],
    ...[...rows].map(([model, row]) => [model, row.steps, ...counts.map((count) => `\`${row[count]}\``)]),
  ];
  if (!same) process.exitCode = 1;
  return [
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    same
      ? 'Each run was repeated, and run once more with a stop in the middle of an epoch and a resume on the next ' +
        'number of workers: the hashes are the same.'
      : 'THESE SHOULD BE EQUAL, by row, on a second run, and after a resume.',
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

/** Cases with batches of at least 128. */
const LARGE_BATCHES = ['mnist_mlp', 'large_mlp', 'lenet', 'mnist_cnn'];

/** @type {Record<string, () => Promise<string>>} */
const parts = {
  bits,
  kills,
  statistics,
  scaling: () => bench('scale-workers', ...CASES),
  shards: () => bench('shards', '8', ...LARGE_BATCHES),
  service: () => bench('service'),
};

await runParts(page, parts);

// `npm run memory [-- parts] [--write]`: shows what docs/memory.md promises; --write puts the results into that page.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runParts } from './page-parts.mjs';
import { root } from './setup/run.mjs';

const page = join(root, 'docs/memory.md');
const picture = join(root, 'docs/memory-sweep.svg');
const soakFile = join(root, 'docs/soak.svg');

/** Bytes of the container of the soak. */
const CONTAINER = 512e6;

/** @param {string} path */
const load = (path) => import(pathToFileURL(join(root, path)).href);

/** Results of the goals: activations in less memory, and the cost of that. */
async function goals() {
  const { goalTable, runGoals } = await load('dist/bench/memory/goals.js');
  const results = [];
  for await (const result of runGoals([])) {
    results.push(result);
    console.error(`${result.model}: ${result.time?.ratio.toFixed(2)} times`);
  }
  return goalTable(results);
}

/** Models within budgets: promised, planned, measured, refused. */
async function sweep() {
  const { runSweep } = await load('dist/bench/memory/sweep.js');
  const { sweepSummary, sweepTable } = await load('dist/bench/memory/table.js');
  const { sweepPicture } = await load('dist/bench/memory/picture.js');
  const rows = [];
  for await (const row of runSweep({ models: ['mlp64', 'resnet20', 'resnet56', 'gpt8', 'residual1000'] })) {
    rows.push(row);
    console.error(`${row.model}, ${row.workers}: ${row.budget} ${row.kept ? 'kept' : 'NOT KEPT'}`);
  }
  if (rows.some(({ kept }) => !kept)) process.exitCode = 1;
  if (process.argv.includes('--write')) writeFileSync(picture, sweepPicture(rows));
  return [sweepSummary(rows), '', '![the sweep](memory-sweep.svg)', '', sweepTable(rows)].join('\n');
}

/** What each stage of the search for recomputation brings. */
async function stages() {
  const { runStages, stageTable } = await load('dist/bench/memory/stages.js');
  return stageTable(runStages());
}

/** A service that predicts, trains and swaps weights, in a small container: memory, threads and file handles over time. */
async function soak() {
  const { runSoak } = await load('dist/bench/memory/soak/run.js');
  const { WHOLE } = await load('dist/bench/memory/soak/sizes.js');
  const { isSteady, soakSummary } = await load('dist/bench/memory/soak/report.js');
  const { soakPicture } = await load('dist/bench/memory/soak/picture.js');
  const run = await runSoak(
    WHOLE,
    CONTAINER,
    (/** @type {import('../bench/memory/soak/sizes.js').SoakSample} */ sample) => {
      const { round, anonymousBytes, threads, handles } = sample;
      console.error(
        `${round}: ${Math.round(anonymousBytes / 1e6)} MB, ${threads} threads, ${handles} handles`,
      );
    },
  );
  if (!isSteady(run)) process.exitCode = 1;
  if (process.argv.includes('--write')) writeFileSync(soakFile, soakPicture(run));
  return [soakSummary(run), '', '![the soak](soak.svg)'].join('\n');
}

await runParts(page, { goals, stages, sweep, soak });

import { runArenaBench } from '../bench/arena.js';
import { runBackwardBench } from '../bench/backward.js';
import { importTime } from '../bench/import-time.js';
import { knownLimits } from '../bench/limits/machine-limits.js';
import { describeMachine } from '../bench/machine.js';
import { runPaceBench } from '../bench/pace.js';
import type { StartPeers } from '../bench/peer.js';
import { type Result, runBench } from '../bench/run.js';
import { runScaleBench } from '../bench/scale.js';
import { runScaleWorkersBench, runShardsBench } from '../bench/scale-workers.js';
import { chooseScenarios, scenarios } from '../bench/scenarios/index.js';
import { runServiceBench } from '../bench/service.js';
import { runSteadyBench } from '../bench/steady.js';
import { boundSummary, cellsOf, digits, peakLine, summary, textColumns, titlesOf } from '../bench/table.js';
import { threadsOf } from '../bench/threads.js';
import { usableCores } from '../parallel/prepare/cores.js';
import { measurePeak } from '../profile/peak.js';
import { percent } from '../text/percent.js';
import { StreamedTable } from './streamed-table.js';
import { complain, say, sayJson } from './terminal.js';

export interface BenchCommandOptions {
  readonly workers?: number;
  readonly rounds?: number;
  readonly json?: boolean;
}

/**
 * Times the cases, and the peers if there are any, and prints a table, or with `json` one line per case; remarks then
 * go to standard error.
 */
export async function bench(
  cases: readonly string[],
  options: BenchCommandOptions,
  peers?: StartPeers,
): Promise<void> {
  const { json = false, rounds } = options;
  // Before the peak is measured, which takes its time.
  chooseScenarios(scenarios, cases);
  const workers = options.workers ?? ('auto' as const);
  const threads = threadsOf(workers);
  const results: Result[] = [];
  const remark = json ? complain : say;
  const machine = describeMachine(threads);
  remark(machine);
  const peak = await measurePeak(threads);
  remark(`${peakLine(peak)}\n`);
  const given = {
    cases,
    workers,
    peak,
    limits: knownLimits,
    ...(rounds ? { rounds } : {}),
    ...(peers ? { peers } : {}),
  };
  let table: StreamedTable | undefined;
  for await (const result of runBench(given, complain)) {
    if (json) sayJson({ ...result, machine });
    else {
      table ??= new StreamedTable(titlesOf(result), textColumns);
      table.print(cellsOf(result));
    }
    results.push(result);
  }
  const summaries = [summary(results), boundSummary(results)].filter((line) => line !== null);
  if (summaries.length > 0) remark(`\n${summaries.join('\n')}`);
  remark(
    `\nimport('chainrule') takes ${(await importTime()).toFixed(0)} ms more than a bare Node.js process.`,
  );
}

/** Times the loss with and without its gradients, and prints a table, or with `json` one line per case. */
export async function benchBackward(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const columns = ['case', 'model', 'batch', 'forward, ms', 'with backward, ms', 'times longer'];
  await report(runBackwardBench(cases, options.rounds), { ...options, workers: 1 }, columns, (result) => {
    const { case: name, model, batch, forwardMs, bothMs, ratio } = result;
    return [name, model, String(batch), digits(forwardMs), digits(bothMs), ratio.toFixed(2)];
  });
}

/** Times models of growing size, and prints a table, or with `json` one line per size. */
export async function benchScale(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { workers = usableCores().cores, rounds } = options;
  const columns = ['case', 'doubled', 'model', 'batch', 'median, ms', 'GFLOP/s', 'time per FLOP'];
  await report(runScaleBench(cases, workers, rounds), { ...options, workers }, columns, (result) => {
    const { case: name, doubled, model, batch, medianMs, gflopsPerSecond, timePerFlop } = result;
    const figures = [digits(medianMs), digits(gflopsPerSecond), timePerFlop.toFixed(2)];
    return [name, doubled, model, String(batch), ...figures];
  });
}

/** Times steps on 1, 2, ... workers, and prints a table, or with `json` one line per number of workers. */
export async function benchScaleWorkers(
  cases: readonly string[],
  options: BenchCommandOptions,
): Promise<void> {
  const { workers = usableCores().cores, rounds } = options;
  const parts = ['wait, µs', 'of it barrier', 'sum, µs', 'update, µs'];
  const columns = ['case', 'batch', 'workers', 'median, ms', 'speed-up', 'efficiency', 'serial', ...parts];
  await report(runScaleWorkersBench(cases, workers, rounds), { ...options, workers }, columns, (result) => {
    const { case: name, batch, medianMs, speedup, efficiency, serialShare } = result;
    const { step, wait, barrier, sum, update } = result.parts;
    const shares = [wait, barrier, sum, update].map((us) => `${digits(us)} (${percent(us / step)})`);
    const figures = [digits(medianMs), speedup.toFixed(2), percent(efficiency), percent(serialShare)];
    return [name, String(batch), String(result.workers), ...figures, ...shares];
  });
}

/**
 * Times steps with so many shards, by default as many as a trainer chooses, and with one shard for each worker, and prints
 * a table, or with `json` one line per case.
 */
export async function benchShards(
  cases: readonly string[],
  { shards, ...options }: BenchCommandOptions & { readonly shards?: number },
): Promise<void> {
  const { workers = usableCores().cores, rounds } = options;
  const columns = [
    'case',
    'batch',
    'workers',
    'shards',
    'median, ms',
    'one for each worker, ms',
    'times longer',
  ];
  const given = { ...options, workers };
  await report(
    runShardsBench(cases, { workers, ...(shards ? { shards } : {}) }, rounds),
    given,
    columns,
    (result) => {
      const { case: name, batch, medianMs, oneEachMs, ratio } = result;
      return [
        name,
        String(batch),
        String(workers),
        String(result.shards),
        digits(medianMs),
        digits(oneEachMs),
        ratio.toFixed(3),
      ];
    },
  );
}

/** Measures a service that trains, and prints a table, or with `json` one line each for off, on and their ratio. */
export async function benchService({ rounds, ...options }: BenchCommandOptions): Promise<void> {
  // One core is left for the service.
  const { workers = Math.max(1, usableCores().cores - 1) } = options;
  const results = await runServiceBench({ workers, ...(rounds ? { rounds } : {}) });
  const columns = ['training', 'answer p50, ms', 'answer p99, ms', 'event loop p99, ms'];
  await report(results, { ...options, workers }, columns, ({ training, p50, p99, loopP99 }) => [
    training,
    ...[p50, p99, loopP99].map((value) => value.toFixed(2)),
  ]);
}

/** Samples the memory while models train, and prints a table, or with `json` one line per sample. */
export async function benchSteady(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const workers = options.workers ?? usableCores().cores;
  const columns = ['case', 'steps', 'heap, MB', 'external, MB', 'RSS, MB'];
  await report(runSteadyBench(cases, workers), { ...options, workers }, columns, (memory) => {
    const { case: name, step, heapBytes, externalBytes, rssBytes } = memory;
    return [name, String(step), ...[heapBytes, externalBytes, rssBytes].map((b) => (b / 1e6).toFixed(2))];
  });
}

/** Compares the time of training with the expected time, and prints a table, or with `json` one line per case. */
export async function benchPace(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { workers = usableCores().cores, rounds } = options;
  const columns = ['case', 'batch', 'expected, ms', 'trained, ms', 'error', 'without its sign', 'largest'];
  await report(runPaceBench(cases, workers, rounds), { ...options, workers }, columns, (result) => {
    const { case: name, batch, expectedMs, trainedMs, error, typicalError, largestError } = result;
    const errors = [error, typicalError, largestError].map((share) => percent(share));
    return [name, String(batch), digits(expectedMs), digits(trainedMs), ...errors];
  });
}

/** Lays out the arenas of training steps, and prints a table, or with `json` one line per case. */
export async function benchArena(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const columns = [
    'case',
    'batch',
    'allowed',
    'steps',
    'blocks',
    'arena, MB',
    'alive at once, MB',
    'ratio',
    'placed in, ms',
  ];
  await report(runArenaBench(cases), { ...options, workers: 1 }, columns, (result) => {
    const { case: name, batch, share, steps, blocks, arenaBytes, boundBytes, ratio, placeMs } = result;
    const megabytes = [arenaBytes, boundBytes].map((bytes) => (bytes / 1e6).toFixed(2));
    return [
      name,
      String(batch),
      percent(share),
      ...[steps, blocks].map(String),
      ...megabytes,
      ratio.toFixed(4),
      digits(placeMs),
    ];
  });
}

async function report<R>(
  results: Iterable<R> | AsyncIterable<R>,
  { json = false, workers }: { json?: boolean; workers: number },
  columns: readonly string[],
  cells: (result: R) => readonly string[],
): Promise<void> {
  if (!json) say(`${describeMachine(workers)}\n`);
  const table = new StreamedTable(columns, words);
  for await (const result of results) {
    if (json) sayJson(result);
    else table.print(cells(result));
  }
}

/** Columns of text. */
const words = ['case', 'model', 'doubled', 'training'];

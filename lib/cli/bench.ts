import { runBackwardBench } from '../../bench/backward.js';
import { importTime } from '../../bench/import-time.js';
import { describeMachine } from '../../bench/machine.js';
import { type Result, runBench } from '../../bench/run.js';
import { peakLine, summary, tableHead, tableRow } from '../../bench/table.js';
import { usableCores } from '../parallel/cores.js';
import { measurePeak } from '../profile/peak.js';

export interface BenchCommandOptions {
  readonly workers?: number;
  readonly rounds?: number;
  readonly json?: boolean;
  readonly peers?: boolean;
  readonly backward?: boolean;
}

/** Times the cases and prints a table, or with `json` one line for each case; remarks then go to standard error. */
export async function bench(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { json = false, peers = false, rounds } = options;
  const workers = options.workers ?? usableCores().cores;
  const results: Result[] = [];
  const say = json ? console.error : console.log;
  const machine = describeMachine(workers);
  say(machine);
  const peak = await measurePeak(workers);
  say(`${peakLine(peak)}\n`);
  const given = { cases, workers, peers, peak, ...(rounds ? { rounds } : {}) };
  for await (const result of runBench(given, console.error)) {
    if (json) console.log(JSON.stringify({ ...result, machine }));
    else if (results.length === 0) console.log(tableHead(result));
    if (!json) console.log(tableRow(result));
    results.push(result);
  }
  const compared = summary(results);
  if (compared) say(`\n${compared}`);
  say(`\nimport('chainrule') takes ${ms(await importTime())} ms more than a bare Node.js process.`);
}

/** Times what gradients cost, and prints a table, or with `json` one line for each case. */
export async function benchBackward(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { json = false, rounds } = options;
  const columns = ['case', 'model', 'batch', 'forward, ms', 'with backward, ms', 'times longer'];
  if (!json) {
    console.log(`${describeMachine(1)}\n`);
    console.log(`| ${columns.join(' | ')} |\n|---|---|---:|---:|---:|---:|`);
  }
  for (const result of runBackwardBench(cases, rounds)) {
    const { case: name, model, batch, forwardMs, bothMs, ratio } = result;
    const figures = [name, model, batch, ms(forwardMs), ms(bothMs), ratio.toFixed(2)];
    console.log(json ? JSON.stringify(result) : `| ${figures.join(' | ')} |`);
  }
}

function ms(value: number): string {
  return value.toPrecision(3);
}

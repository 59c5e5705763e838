import { Argument, Command } from 'commander';
import { knownLimits } from '../../lib/bench/limits/machine-limits.js';
import { describeMachine } from '../../lib/bench/machine.js';
import type { StartPeers } from '../../lib/bench/peer.js';
import { type Result, runScenarios } from '../../lib/bench/run.js';
import { digits } from '../../lib/bench/table.js';
import { withOptions } from '../../lib/cli/bench-command.js';
import { StreamedTable } from '../../lib/cli/streamed-table.js';
import { complain, say, sayJson } from '../../lib/cli/terminal.js';
import { rowScenarios } from './scenarios.js';
import { cellsOf, summary, textColumns, titlesOf } from './table.js';

interface RowsOptions {
  readonly workers?: number;
  readonly rounds?: number;
  readonly json?: boolean;
  readonly peers: boolean;
}

/** The command `rows`: predictions for different numbers of rows, beside other libraries. */
export function rowsCommand(startPeers: StartPeers): Command {
  return withOptions(new Command('rows'))
    .description('time predictions for 1 to 128 rows, beside PyTorch and ONNX Runtime')
    .option('--no-peers', 'time this library alone')
    .addArgument(new Argument('[models...]', 'names of models').default([], 'all'))
    .action((models: string[], options: RowsOptions) => benchRows(models, options, startPeers));
}

/** A prediction has one thread, and so have the peers, unless `workers` says otherwise for them. */
async function benchRows(
  models: readonly string[],
  { workers = 1, rounds = 5, json = false, peers }: RowsOptions,
  startPeers: StartPeers,
): Promise<void> {
  const chosen = rowScenarios(models);
  const remark = json ? complain : say;
  const machine = describeMachine(workers);
  remark(machine);
  const { gflopsPerSecond: peak } = await knownLimits(workers);
  remark(`A loop of multiply-adds in registers reaches ${digits(peak)} GFLOP/s.\n`);
  const given = { workers, rounds, peak, limits: knownLimits, ...(peers ? { peers: startPeers } : {}) };
  const results: Result[] = [];
  let table: StreamedTable | undefined;
  for await (const result of runScenarios(chosen, given, complain)) {
    if (json) sayJson({ ...result, machine });
    else {
      table ??= new StreamedTable(titlesOf(result), textColumns);
      table.print(cellsOf(result));
    }
    results.push(result);
  }
  for (const line of summary(results)) remark(`\n${line}`);
}

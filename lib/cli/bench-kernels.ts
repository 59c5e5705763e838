import type { StartKernelPeer } from '../bench/kernels/kernel-peer.js';
import { type KernelResult, sortByLoss } from '../bench/kernels/result.js';
import { runKernelBench } from '../bench/kernels/run.js';
import { kernelCells, kernelTextColumns, kernelTitles, limitsLine } from '../bench/kernels/table.js';
import type { MachineLimits } from '../bench/limits/machine-limits.js';
import { describeMachine } from '../bench/machine.js';
import { usableCores } from '../parallel/prepare/cores.js';
import { StreamedTable } from './streamed-table.js';
import { complain, say, sayJson } from './terminal.js';

export interface KernelCommandOptions {
  /** One number of threads; by default one, and as many as there are usable cores. */
  readonly threads?: number;
  readonly rounds?: number;
  readonly json?: boolean;
}

/**
 * Times kernels, and prints the limits of the machine and a table by what is lost, or with `json` one line of each. Remarks
 * go to standard error.
 */
export async function benchKernels(
  families: readonly string[],
  { threads, rounds, json = false }: KernelCommandOptions,
  peer?: StartKernelPeer,
): Promise<void> {
  const { cores } = usableCores();
  const counts = threads === undefined ? [...new Set([1, cores])] : [threads];
  const options = { families, threads: counts, ...(rounds ? { rounds } : {}), ...(peer ? { peer } : {}) };
  const results: KernelResult[] = [];
  const limits: MachineLimits[] = [];
  const reporter = { remark: complain, limits: (found: MachineLimits) => limits.push(found) };
  let family = '';
  for await (const result of runKernelBench(options, reporter)) {
    if (result.family !== family) complain(`${result.family}, threads: ${result.threads} ...`);
    family = result.family;
    results.push(result);
  }
  const sorted = sortByLoss(results);
  const machine = describeMachine(Math.max(...counts));
  if (json) {
    for (const line of [...limits.map((found) => ({ limits: found })), ...sorted])
      sayJson({ ...line, machine });
    return;
  }
  say(`${[machine, ...limits.map(limitsLine)].join('\n\n')}\n`);
  const version = results.find((result) => result.peer)?.peer;
  const table = new StreamedTable(kernelTitles(version), kernelTextColumns);
  for (const result of sorted) table.print(kernelCells(result, version));
}

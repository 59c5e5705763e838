import { cpus } from 'node:os';
import { runBackwardBench } from '../../bench/backward.js';
import { type Result, runBench } from '../../bench/run.js';
import { usableCores } from '../parallel/cores.js';
import { addon } from '../runtime/addon.js';
import { count } from './format.js';

export interface BenchCommandOptions {
  readonly workers?: number;
  readonly rounds?: number;
  readonly json?: boolean;
  readonly peers?: boolean;
  readonly backward?: boolean;
}

/** Times training steps and prints a table, or with `json` one line for each case. */
export async function bench(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { json = false, peers = false, rounds } = options;
  const workers = options.workers ?? usableCores().cores;
  const results: Result[] = [];
  const remark = (line: string) => console.error(line);
  if (!json)
    console.log(
      `${cpus()[0]?.model ?? 'CPU'}, ${workers} workers, ${addon.isa()} kernels, ${addon.blas()}\n`,
    );
  for await (const result of runBench({ cases, workers, peers, ...(rounds ? { rounds } : {}) }, remark)) {
    if (json) console.log(JSON.stringify(result));
    else if (results.push(result) === 1) console.log(header(result));
    if (!json) console.log(row(result));
  }
}

/** Times what gradients cost, and prints a table, or with `json` one line for each case. */
export async function benchBackward(cases: readonly string[], options: BenchCommandOptions): Promise<void> {
  const { json = false, rounds } = options;
  const columns = ['case', 'model', 'batch', 'forward, ms', 'with backward, ms', 'times longer'];
  if (!json) {
    console.log(`${cpus()[0]?.model ?? 'CPU'}, 1 thread, ${addon.isa()} kernels, ${addon.blas()}\n`);
    console.log(`| ${columns.join(' | ')} |\n|---|---|---:|---:|---:|---:|`);
  }
  for (const result of runBackwardBench(cases, rounds)) {
    const { case: name, model, batch, forwardMs, bothMs, ratio } = result;
    const figures = [name, model, batch, ms(forwardMs), ms(bothMs), ratio.toFixed(2)];
    console.log(json ? JSON.stringify(result) : `| ${figures.join(' | ')} |`);
  }
}

const peerColumns = (result: Result) => (result.ratio === undefined ? [] : ['PyTorch, ms', 'times faster']);

function header(result: Result): string {
  const columns = ['case', 'model', 'batch', 'median, ms', 'min, ms', 'examples/s', ...peerColumns(result)];
  return `| ${columns.join(' | ')} |\n|${columns.map((_, i) => (i < 2 ? '---' : '---:')).join('|')}|`;
}

function row({
  case: name,
  model,
  batch,
  medianMs,
  minMs,
  examplesPerSecond,
  pytorchMs,
  ratio,
}: Result): string {
  const figures = [name, model, String(batch), ms(medianMs), ms(minMs), count(examplesPerSecond)];
  if (pytorchMs !== undefined && ratio !== undefined) figures.push(ms(pytorchMs), ratio.toFixed(2));
  return `| ${figures.join(' | ')} |`;
}

function ms(value: number): string {
  return value.toPrecision(3);
}

import { prepare, type Subject } from './measure.js';
import { hint, PyTorch } from './peers/pytorch.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios/index.js';

/** One line of the result. Times are milliseconds of a training step. */
export interface Result {
  readonly case: string;
  readonly model: string;
  readonly batch: number;
  readonly workers: number | 'auto';
  readonly rounds: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly examplesPerSecond: number;
  /** PyTorch's median, and how many times longer it is, pair by pair. */
  readonly pytorchMs?: number;
  readonly ratio?: number;
}

export interface BenchOptions {
  /** Names of scenarios; all of them when left out. */
  readonly cases?: readonly string[];
  readonly workers: number;
  readonly rounds?: number;
  /** Time PyTorch in the same run, alternating. */
  readonly peers?: boolean;
}

/** Runs the scenarios and yields a result for each. Remarks for the reader go to `remark`. */
export async function* runBench(
  options: BenchOptions,
  remark: (line: string) => void,
): AsyncGenerator<Result> {
  const { cases, workers, rounds = 9, peers = false } = options;
  const chosen = choose(cases);
  const pytorch = peers ? await PyTorch.start(workers) : null;
  if (peers) remark(pytorch ? `compared with ${pytorch.version}` : hint);
  try {
    for (const scenario of chosen) {
      yield await compare(scenario, workers, rounds, pytorch ? pytorch.peer.subject(scenario.name) : null);
    }
  } finally {
    pytorch?.peer.stop();
  }
}

function choose(cases: readonly string[] | undefined): readonly Scenario[] {
  if (!cases || cases.length === 0) return scenarios;
  return cases.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found) return found;
    throw new Error(`bench: there is no case ${name}; there are ${scenarios.map((s) => s.name).join(', ')}`);
  });
}

async function compare(
  scenario: Scenario,
  workers: number,
  rounds: number,
  peer: Subject | null,
): Promise<Result> {
  const ours = await prepare(scenario, workers);
  const times: number[] = [];
  const theirs: number[] = [];
  try {
    await peer?.round();
    for (let i = 0; i < rounds; i++) {
      times.push(await ours.round());
      if (peer) theirs.push(await peer.round());
    }
  } finally {
    await ours.close();
  }
  const medianMs = median(times);
  const ratios = theirs.map((time, i) => time / (times[i] as number));
  return {
    case: scenario.name,
    model: scenario.title,
    batch: scenario.batchSize,
    workers,
    rounds,
    medianMs,
    minMs: Math.min(...times),
    examplesPerSecond: (1000 * scenario.batchSize) / medianMs,
    ...(peer ? { pytorchMs: median(theirs), ratio: median(ratios) } : {}),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

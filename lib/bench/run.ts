import { figuresOf } from './figures.js';
import { type Bound, boundOf } from './limits/case-bound.js';
import type { MachineLimits } from './limits/machine-limits.js';
import type { Peer, StartPeers } from './peer.js';
import { isTime, type PeerResult, PeerRounds } from './peer-rounds.js';
import { runRounds } from './rounds.js';
import type { Scenario } from './scenario.js';
import { chooseScenarios, scenarios } from './scenarios/index.js';
import { median } from './statistics.js';
import { threadsOf } from './threads.js';

/** One line of the result. Times are milliseconds of a training step, or of a prediction. */
export interface Result {
  readonly case: string;
  readonly kind: Scenario['kind'];
  readonly model: string;
  readonly batch: number;
  /** 'auto' leaves the choice to the trainer. */
  readonly workers: number | 'auto';
  readonly rounds: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly examplesPerSecond: number;
  readonly parameters: number;
  readonly gflopsPerSecond: number;
  /** Share of the rate at which the same threads multiply matrices. Algorithms that save operations can exceed 1. */
  readonly shareOfPeak: number;
  readonly peakGflopsPerSecond: number;
  readonly arenaBytes: number;
  readonly compileMs: number;
  /** By name of the peer. */
  readonly peers: Readonly<Record<string, PeerResult>>;
  /** The smallest ratio of the peers that did not fail; absent if there is none. */
  readonly bestRatio?: number;
  /** Absent if the limits of the machine are not known. */
  readonly bound?: Bound;
}

export interface BenchOptions {
  /** Names of scenarios; all by default. */
  readonly cases?: readonly string[];
  readonly workers: number | 'auto';
  readonly rounds?: number;
  /** Starts the peers to time in the same run, alternating; none by default. */
  readonly peers?: StartPeers;
  /** Peak of the machine, in GFLOP/s. */
  readonly peak: number;
  /** Limits of the machine for a number of threads, for the bounds of the cases. */
  readonly limits?: (threads: number) => Promise<MachineLimits>;
}

/** Runs the named scenarios and yields a result for each. Remarks for the reader go to `remark`. */
export async function* runBench(
  options: BenchOptions,
  remark: (line: string) => void,
): AsyncGenerator<Result> {
  yield* runScenarios(chooseScenarios(scenarios, options.cases ?? []), options, remark);
}

/** As `runBench`, for scenarios that need not be in its list. */
export async function* runScenarios(
  chosen: readonly Scenario[],
  options: Omit<BenchOptions, 'cases'>,
  remark: (line: string) => void,
): AsyncGenerator<Result> {
  const peers = (await options.peers?.(threadsOf(options.workers), remark)) ?? [];
  try {
    for (const scenario of chosen) yield await compare(scenario, options, peers, remark);
  } finally {
    for (const peer of peers) peer.stop();
  }
}

async function compare(
  scenario: Scenario,
  { workers, rounds = 9, peak, limits }: BenchOptions,
  peers: readonly Peer[],
  remark: (line: string) => void,
): Promise<Result> {
  const figures = figuresOf(scenario, workers);
  const { parameters } = figures;
  // A prediction runs on one thread.
  const machine = await limits?.(scenario.kind === 'train' ? threadsOf(workers) : 1);
  const theirs: PeerRounds[] = [];
  for (const peer of peers) theirs.push(await PeerRounds.prepare(peer, { scenario, parameters, remark }));
  const { ours, withFewer } = await runRounds(scenario, workers, theirs, rounds);
  const compared = theirs.map((peer) => {
    const equal = peer.threads === undefined ? undefined : withFewer.get(peer.threads);
    return [peer.name, peer.resultBeside(ours, equal)] as const;
  });
  const ratios = compared.flatMap(([, result]) => (isTime(result) ? result.ratio : []));
  const medianMs = median(ours);
  const gflopsPerSecond = figures.flops / medianMs / 1e6;
  return {
    case: scenario.name,
    kind: scenario.kind,
    model: scenario.title,
    batch: scenario.batchSize,
    workers,
    rounds,
    medianMs,
    minMs: Math.min(...ours),
    examplesPerSecond: (1000 * scenario.batchSize) / medianMs,
    parameters,
    gflopsPerSecond,
    shareOfPeak: gflopsPerSecond / peak,
    peakGflopsPerSecond: peak,
    arenaBytes: figures.arenaBytes,
    compileMs: figures.compileMs,
    peers: Object.fromEntries(compared),
    ...(ratios.length > 0 ? { bestRatio: Math.min(...ratios) } : {}),
    ...(machine ? { bound: boundOf(figures.work, machine, medianMs) } : {}),
  };
}

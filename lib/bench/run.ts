import { at } from '../graph/at.js';
import { type Figures, figuresOf } from './figures.js';
import type { Peer, StartPeers } from './peer.js';
import type { Scenario } from './scenario.js';
import { chooseScenarios, scenarios } from './scenarios/index.js';
import { median } from './statistics.js';
import { prepare } from './subject.js';
import { threadsOf } from './threads.js';

/** A peer's part of a result. */
export interface PeerResult {
  /** Name and version, such as `PyTorch 2.13.0`. */
  readonly version: string;
  /** The fastest of its ways to run the model. */
  readonly variant: string;
  readonly medianMs: number;
  /** Ratio of its time to ours: the median over the pairs of neighbouring rounds. */
  readonly ratio: number;
}

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
  /** The smallest of the peers' ratios. */
  readonly bestRatio?: number;
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
}

/** Runs the scenarios and yields a result for each. Remarks for the reader go to `remark`. */
export async function* runBench(
  options: BenchOptions,
  remark: (line: string) => void,
): AsyncGenerator<Result> {
  const chosen = chooseScenarios(scenarios, options.cases ?? []);
  const peers = (await options.peers?.(threadsOf(options.workers), remark)) ?? [];
  try {
    for (const scenario of chosen) yield await compare(scenario, options, peers, remark);
  } finally {
    for (const peer of peers) peer.stop();
  }
}

async function compare(
  scenario: Scenario,
  { workers, rounds = 9, peak }: BenchOptions,
  peers: readonly Peer[],
  remark: (line: string) => void,
): Promise<Result> {
  const figures = figuresOf(scenario, workers);
  const variants = await prepareAll(peers, scenario, figures, remark);
  const ours = await prepare(scenario, workers);
  const times: number[] = [];
  const theirs = peers.map((): number[] => []);
  try {
    for (let i = 0; i < rounds; i++) {
      times.push(await ours.round());
      for (const [p, peer] of peers.entries()) theirs[p]?.push(await peer.round());
    }
  } finally {
    await ours.close();
  }
  const compared = peers.map(({ name, version }, p): [string, PeerResult] => {
    const own = at(theirs, p);
    const ratio = median(own.map((time, i) => time / at(times, i)));
    return [name, { version, variant: at(variants, p), medianMs: median(own), ratio }];
  });
  const medianMs = median(times);
  const gflopsPerSecond = figures.flops / medianMs / 1e6;
  return {
    case: scenario.name,
    kind: scenario.kind,
    model: scenario.title,
    batch: scenario.batchSize,
    workers,
    rounds,
    medianMs,
    minMs: Math.min(...times),
    examplesPerSecond: (1000 * scenario.batchSize) / medianMs,
    parameters: figures.parameters,
    gflopsPerSecond,
    shareOfPeak: gflopsPerSecond / peak,
    peakGflopsPerSecond: peak,
    arenaBytes: figures.arenaBytes,
    compileMs: figures.compileMs,
    peers: Object.fromEntries(compared),
    ...(peers.length > 0 ? { bestRatio: Math.min(...compared.map(([, { ratio }]) => ratio)) } : {}),
  };
}

/** Lets every peer build the scenario's model, and returns the variant that each chose. */
async function prepareAll(
  peers: readonly Peer[],
  scenario: Scenario,
  { parameters }: Figures,
  remark: (line: string) => void,
): Promise<string[]> {
  const variants: string[] = [];
  for (const peer of peers) {
    const prepared = await peer.prepare(scenario);
    if (prepared.parameters !== parameters) {
      throw new Error(
        `bench: ${scenario.name} has ${parameters} parameters, but ${prepared.parameters} in ${peer.name}`,
      );
    }
    for (const line of prepared.remarks) remark(`${scenario.name}, ${peer.name}: ${line}`);
    variants.push(prepared.variant);
  }
  return variants;
}

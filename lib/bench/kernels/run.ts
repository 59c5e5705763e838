import { messageOf } from '../../graph/errors.js';
import { BRIEF } from '../../profile/brief.js';
import { MeasuringThreads } from '../../profile/measuring-threads.js';
import { type MachineLimits, measureLimits } from '../limits/machine-limits.js';
import { chooseKernels } from './cases/index.js';
import { fullName, type KernelCase } from './kernel-case.js';
import type { KernelPeer, StartKernelPeer } from './kernel-peer.js';
import { type KernelResult, resultOf, type Times } from './result.js';
import type { KernelTask } from './worker.js';

export interface KernelBenchOptions {
  /** Names of families; all by default. */
  readonly families?: readonly string[];
  /** Numbers of threads to try. */
  readonly threads: readonly number[];
  /** Rounds of which the quickest counts. Default 3. */
  readonly rounds?: number;
  /** Starts the peer to time in the same run, alternating; none by default. */
  readonly peer?: StartKernelPeer;
  /** Measures the limits of a number of threads; for tests. */
  readonly measure?: (threads: number) => Promise<MachineLimits>;
}

/** What is told while the bench runs. */
export interface KernelReporter {
  /** Remarks for the reader. */
  remark(line: string): void;
  /** The limits of a number of threads, before its kernels run. */
  limits(limits: MachineLimits): void;
}

/** Milliseconds that a kernel is repeated in a round. */
const ROUND_MS = BRIEF ? 0.5 : 8;

/** Times kernels on each number of threads and yields a result for each, in the order of the cases. */
export async function* runKernelBench(
  options: KernelBenchOptions,
  reporter: KernelReporter,
): AsyncGenerator<KernelResult> {
  const cases = chooseKernels(options.families ?? []);
  for (const threads of options.threads) {
    const limits = await (options.measure ?? measureLimits)(threads);
    reporter.limits(limits);
    const peer = (await options.peer?.(threads, reporter.remark)) ?? undefined;
    const pool = await MeasuringThreads.start('lib/bench/kernels/worker.js', threads);
    try {
      for (const kernel of cases) {
        const times = await timesOf(kernel, pool, options.rounds ?? 3, peer, reporter).catch(
          (error: unknown) => reporter.remark(`${fullName(kernel)} failed: ${messageOf(error)}`),
        );
        if (times) yield resultOf(kernel, limits, times, peer?.version);
      }
    } finally {
      peer?.stop();
      await pool.stop();
    }
  }
}

/** The quickest rounds of the library, the BLAS and the peer, in turn. */
async function timesOf(
  kernel: KernelCase,
  pool: MeasuringThreads,
  rounds: number,
  peer: KernelPeer | undefined,
  reporter: KernelReporter,
): Promise<Times> {
  const name = fullName(kernel);
  const best = { ours: Number.POSITIVE_INFINITY, blas: Number.POSITIVE_INFINITY };
  const byUs = async (by: KernelTask['by']) =>
    Math.max(...(await pool.each<number>({ name, by, milliseconds: ROUND_MS } satisfies KernelTask)));
  const peerRounds = new PeerKernel(kernel, peer, (line) => reporter.remark(`${name}: ${line}`));
  await peerRounds.prepare();
  for (let i = 0; i < rounds; i++) {
    best.ours = Math.min(best.ours, await byUs('plan'));
    if (kernel.product) best.blas = Math.min(best.blas, await byUs('blas'));
    await peerRounds.round();
  }
  return {
    ours: best.ours,
    ...(kernel.product ? { blas: best.blas } : {}),
    ...(peerRounds.best === undefined ? {} : { peer: pool.count * peerRounds.best }),
  };
}

/** The peer's rounds of one kernel; a failure is remarked and ends them. */
class PeerKernel {
  best: number | undefined;
  #running: boolean;

  constructor(
    private readonly kernel: KernelCase,
    private readonly peer: KernelPeer | undefined,
    private readonly remark: (line: string) => void,
  ) {
    this.#running = peer !== undefined && kernel.peer !== undefined;
  }

  async prepare(): Promise<void> {
    const { peer: op } = this.kernel;
    if (op) await this.#attempt((peer) => peer.prepare(op));
  }

  async round(): Promise<void> {
    await this.#attempt(async (peer) => {
      this.best = Math.min(this.best ?? Number.POSITIVE_INFINITY, await peer.round());
    });
  }

  async #attempt(work: (peer: KernelPeer) => Promise<void>): Promise<void> {
    if (!this.peer || !this.#running) return;
    try {
      await work(this.peer);
    } catch (error) {
      this.#running = false;
      this.best = undefined;
      this.remark(`${this.peer.name} failed: ${messageOf(error)}`);
    }
  }
}

import { failed } from '../../graph/errors.js';
import { addon } from '../../runtime/addon.js';

const STOP = 0;
const DECISION = 1;
const STEP = 2;
const PAUSE = 3;
const BEGIN = 4;
const SAVE = 5;
const SNAPSHOT = 6;
const SNAPSHOT_STEP = 7;
/** Number of active workers: this word in even steps, the next word in odd steps. */
const ACTIVE = 8;
/** First of one word per worker: 1 while that worker waits for the others. */
const WAITING = 16;
/** First word of the barrier of all workers, whose words are the addon's own; `exchangeBarrier` follows. */
const BARRIER = WAITING + 256;

/** Longest wait in native code: a worker that never returns to JavaScript cannot be terminated. */
const WAIT_MS = 50;

/** Decisions that can follow a step. */
const GO_ON = 0;
const END = 1;
const SLEEP = 2;

/** States of the snapshot. */
const FREE = 0;
const COPYING = 1;
const COMPLETE = 2;

/** The error of workers that are released from the barrier. */
const released = () =>
  failed('ERR_CHAINRULE_WORKER_RELEASED', 'parallel', 'released, because another worker failed');

/** Shared words through which the workers of a job and the main thread coordinate. */
export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #barrier: Int32Array;
  /** The words of the barrier at which workers with shards exchange values: others may meanwhile wait at `meet`. */
  readonly exchangeBarrier: Int32Array;

  /** @param buffer of another control, which this one then shares; by default a new one */
  constructor(buffer = newBuffer()) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, BARRIER);
    const { words } = addon().constants.barrier;
    const barrier = (first: number) => new Int32Array(buffer, first * Int32Array.BYTES_PER_ELEMENT, words);
    this.#barrier = barrier(BARRIER);
    this.exchangeBarrier = barrier(BARRIER + words);
  }

  /** Barrier of all workers: what they wrote before it is visible after it. Throws if the job was aborted. */
  meet(workers: number, rank: number): void {
    if (workers === 1) {
      if (this.aborted) throw released();
      return;
    }
    Atomics.store(this.#words, WAITING + rank, 1);
    const ticket = addon().barrierArrive(this.#barrier, workers);
    for (;;) {
      const outcome = addon().barrierWait(this.#barrier, ticket, workers, WAIT_MS);
      if (outcome === addon().constants.barrier.aborted) throw released();
      if (outcome === addon().constants.barrier.passed) break;
    }
    Atomics.store(this.#words, WAITING + rank, 0);
  }

  /** The word that is 1 while a worker waits for the others. */
  waitingWord(rank: number): Int32Array {
    return this.#words.subarray(WAITING + rank, WAITING + rank + 1);
  }

  /** Ranks of the workers that the others are waiting for. */
  late(workers: number): number[] {
    return Array.from({ length: workers }, (_, rank) => rank).filter(
      (rank) => Atomics.load(this.#words, WAITING + rank) === 0,
    );
  }

  /** Aborts the job and releases every worker from the barriers. */
  abort(): void {
    addon().barrierAbort(this.#barrier);
    addon().barrierAbort(this.exchangeBarrier);
  }

  /** From now on, native calls of this thread end early when the job is aborted, except updates that have begun. */
  abortsRuns(): void {
    addon().abortRunsBy(this.#barrier);
  }

  get aborted(): boolean {
    return addon().barrierAborted(this.#barrier);
  }

  /** Resets the barriers, which must be empty. An incomplete snapshot is requested again. */
  reset(): void {
    this.#barrier.fill(0);
    this.exchangeBarrier.fill(0);
    this.#words.fill(0, WAITING);
    if (!this.copying) return;
    this.freeSnapshot();
    this.requestSnapshot();
  }

  /** Asks the workers to stop after the current step. */
  requestStop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** Called by one worker between two barriers, so that all workers stop or pause after the same step. */
  decide(): void {
    const pauseOrNot = this.paused ? SLEEP : GO_ON;
    Atomics.store(this.#words, DECISION, this.stopRequested ? END : pauseOrNot);
  }

  get decidedToStop(): boolean {
    return Atomics.load(this.#words, DECISION) === END;
  }

  get decidedToPause(): boolean {
    return Atomics.load(this.#words, DECISION) === SLEEP;
  }

  /** Called by one worker before a barrier: decides whether to begin, or to resume after a pause. */
  decideToBegin(): void {
    Atomics.store(this.#words, BEGIN, this.stopRequested ? 0 : 1);
  }

  get decidedToBegin(): boolean {
    return Atomics.load(this.#words, BEGIN) === 1;
  }

  /** Completed steps of the epoch. */
  get stepsDone(): number {
    return Atomics.load(this.#words, STEP);
  }

  set stepsDone(steps: number) {
    Atomics.store(this.#words, STEP, steps);
  }

  /**
   * Number of workers active in a step; the others only join the barriers. Even and odd steps use different words, so
   * that an interrupted step is finished with its own number of workers.
   *
   * @param step counted over all epochs
   */
  activeAt(step: number): number {
    return Atomics.load(this.#words, ACTIVE + (step % 2));
  }

  setActiveAt(step: number, workers: number): void {
    Atomics.store(this.#words, ACTIVE + (step % 2), workers);
  }

  /** True if workers should wait between two steps. */
  get paused(): boolean {
    return Atomics.load(this.#words, PAUSE) === 1;
  }

  set paused(paused: boolean) {
    Atomics.store(this.#words, PAUSE, paused ? 1 : 0);
    Atomics.notify(this.#words, PAUSE);
  }

  /** Blocks the calling worker while training is paused. */
  waitWhilePaused(): void {
    while (this.paused && !this.stopRequested && !this.aborted) Atomics.wait(this.#words, PAUSE, 1, WAIT_MS);
  }

  /** Requests a snapshot after one of the next steps. */
  requestSnapshot(): void {
    Atomics.store(this.#words, SAVE, 1);
  }

  /**
   * Called by one worker between two barriers: starts a snapshot of the state after `stepsDone` steps of the epoch if
   * one is due or requested. While the previous snapshot is still being saved, the request waits for a later step.
   */
  decideSnapshot(due: boolean, stepsDone: number): void {
    if (!due && Atomics.load(this.#words, SAVE) === 0) return;
    const free = Atomics.load(this.#words, SNAPSHOT) === FREE;
    Atomics.store(this.#words, SAVE, free ? 0 : 1);
    if (!free) return;
    Atomics.store(this.#words, SNAPSHOT_STEP, stepsDone);
    Atomics.store(this.#words, SNAPSHOT, COPYING);
  }

  /** True if workers have to copy their parts of the state before the next barrier. */
  get copying(): boolean {
    return Atomics.load(this.#words, SNAPSHOT) === COPYING;
  }

  /** Marks the snapshot in progress as complete, once all workers have met or finished. */
  completeSnapshot(): void {
    if (Atomics.compareExchange(this.#words, SNAPSHOT, COPYING, COMPLETE) === COPYING) this.wake();
  }

  /** Resolves when a snapshot is complete, or on `wake`. */
  async snapshotCompleted(): Promise<void> {
    const state = Atomics.load(this.#words, SNAPSHOT);
    if (state !== COMPLETE) await Atomics.waitAsync(this.#words, SNAPSHOT, state).value;
  }

  /** Wakes those who wait for a snapshot, so that they check again. */
  wake(): void {
    Atomics.notify(this.#words, SNAPSHOT);
  }

  /** Completed steps of the epoch in the snapshot; undefined unless the snapshot is complete. */
  get snapshotStep(): number | undefined {
    if (Atomics.load(this.#words, SNAPSHOT) !== COMPLETE) return undefined;
    return Atomics.load(this.#words, SNAPSHOT_STEP);
  }

  /** Allows the next snapshot. */
  freeSnapshot(): void {
    Atomics.store(this.#words, SNAPSHOT, FREE);
  }
}

function newBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(
    (BARRIER + 2 * addon().constants.barrier.words) * Int32Array.BYTES_PER_ELEMENT,
  );
}

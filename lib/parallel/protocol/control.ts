import { ChainruleError } from '../../graph/errors.js';
import { addon } from '../../runtime/addon.js';

/** Words 0 to 15 belong to the barrier. */
const STOP = 16;
const DECISION = 17;
const STEP = 18;
const PAUSE = 19;
const BEGIN = 20;
const SAVE = 21;
const SNAPSHOT = 22;
const SNAPSHOT_STEP = 23;
/** For even steps, and behind it for odd ones. */
const ACTIVE = 24;
/** From here on a word for each worker: whether it waits for the others. */
const WAITING = 32;
const WORDS = WAITING + 256;

/** A worker must come back to JavaScript now and then, or it could not be terminated while it waits. */
const WAIT_MS = 50;

/** What may be decided to come after a step. */
const GO_ON = 0;
const END = 1;
const SLEEP = 2;

/** The states of the snapshot. */
const FREE = 0;
const COPYING = 1;
const COMPLETE = 2;

/** Thrown in workers that are released because another one failed. */
export class ReleasedError extends ChainruleError {
  constructor() {
    super('parallel', 'another worker failed', RELEASED);
  }
}

const RELEASED = 'parallel: released, because another worker failed';

/** Whether an error, perhaps from another thread, only says that the worker was released. */
export function isReleased(error: unknown): boolean {
  return error instanceof Error && error.message === RELEASED;
}

/** The words that the workers of a job and its main thread talk through. */
export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Waits until all workers are here. What they wrote before is seen after. Throws when the job was aborted. */
  meet(workers: number, rank: number): void {
    if (workers === 1) {
      if (this.aborted) throw new ReleasedError();
      return;
    }
    Atomics.store(this.#words, WAITING + rank, 1);
    const ticket = addon.barrierArrive(this.#words, workers);
    for (;;) {
      const outcome = addon.barrierWait(this.#words, ticket, workers, WAIT_MS);
      if (outcome === 2) throw new ReleasedError();
      if (outcome === 0) break;
    }
    Atomics.store(this.#words, WAITING + rank, 0);
  }

  /** The workers that keep the others waiting. */
  late(workers: number): number[] {
    return Array.from({ length: workers }, (_, rank) => rank).filter(
      (rank) => Atomics.load(this.#words, WAITING + rank) === 0,
    );
  }

  /** Ends the job: nobody waits for anyone any more. */
  abort(): void {
    addon.barrierAbort(this.#words);
  }

  get aborted(): boolean {
    return Atomics.load(this.#words, 2) === 1;
  }

  /** Makes the barrier as new, when nobody is in it. A copy of the state that was not complete is made again later. */
  reset(): void {
    this.#words.fill(0, 0, 16);
    this.#words.fill(0, WAITING);
    if (!this.copying) return;
    this.freeSnapshot();
    this.requestSnapshot();
  }

  /** Asks the workers to stop after the step under way. */
  requestStop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** One worker decides between two meetings, so that all of them stop, or pause, after the same step. */
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

  /** One worker decides before a meeting whether to begin at all, or again after a pause. */
  decideToBegin(): void {
    Atomics.store(this.#words, BEGIN, this.stopRequested ? 0 : 1);
  }

  get decidedToBegin(): boolean {
    return Atomics.load(this.#words, BEGIN) === 1;
  }

  /** Steps of the epoch that are done. */
  get stepsDone(): number {
    return Atomics.load(this.#words, STEP);
  }

  set stepsDone(steps: number) {
    Atomics.store(this.#words, STEP, steps);
  }

  /**
   * Workers that work on a step, counted over all epochs; the others only come to the meetings. The number for the next
   * step stands in a word of its own, so that a step that was interrupted is finished with its own number.
   */
  activeAt(step: number): number {
    return Atomics.load(this.#words, ACTIVE + (step % 2));
  }

  setActiveAt(step: number, workers: number): void {
    Atomics.store(this.#words, ACTIVE + (step % 2), workers);
  }

  /** Whether workers should wait between two steps. */
  get paused(): boolean {
    return Atomics.load(this.#words, PAUSE) === 1;
  }

  set paused(paused: boolean) {
    Atomics.store(this.#words, PAUSE, paused ? 1 : 0);
    Atomics.notify(this.#words, PAUSE);
  }

  /** Sleeps, in a worker, as long as there is a pause. */
  waitWhilePaused(): void {
    while (this.paused && !this.stopRequested && !this.aborted) Atomics.wait(this.#words, PAUSE, 1, WAIT_MS);
  }

  /** Asks for a snapshot after one of the next steps. */
  requestSnapshot(): void {
    Atomics.store(this.#words, SAVE, 1);
  }

  /**
   * One worker decides between two meetings whether the state after so many steps of the epoch is copied: if that is due,
   * or was asked for, and the snapshot before has been saved. If it has not, the next step is as good.
   */
  decideSnapshot(due: boolean, stepsDone: number): void {
    if (!due && Atomics.load(this.#words, SAVE) === 0) return;
    const free = Atomics.load(this.#words, SNAPSHOT) === FREE;
    Atomics.store(this.#words, SAVE, free ? 0 : 1);
    if (!free) return;
    Atomics.store(this.#words, SNAPSHOT_STEP, stepsDone);
    Atomics.store(this.#words, SNAPSHOT, COPYING);
  }

  /** Whether workers have to copy their parts of the state before they meet again. */
  get copying(): boolean {
    return Atomics.load(this.#words, SNAPSHOT) === COPYING;
  }

  /** Says, when all workers have met or are done, that what was being copied is there. */
  completeSnapshot(): void {
    if (Atomics.compareExchange(this.#words, SNAPSHOT, COPYING, COMPLETE) === COPYING) this.wake();
  }

  /** Resolves when a snapshot is complete, or at `wake`. */
  async snapshotCompleted(): Promise<void> {
    const state = Atomics.load(this.#words, SNAPSHOT);
    if (state !== COMPLETE) await Atomics.waitAsync(this.#words, SNAPSHOT, state).value;
  }

  /** Lets whoever waits for a snapshot look again. */
  wake(): void {
    Atomics.notify(this.#words, SNAPSHOT);
  }

  /** The steps of the epoch after which the state was copied, if there is a complete copy. */
  get snapshotStep(): number | undefined {
    if (Atomics.load(this.#words, SNAPSHOT) !== COMPLETE) return undefined;
    return Atomics.load(this.#words, SNAPSHOT_STEP);
  }

  /** Lets the next snapshot be made. */
  freeSnapshot(): void {
    Atomics.store(this.#words, SNAPSHOT, FREE);
  }
}

import { ChainruleError } from '../graph/errors.js';
import { addon } from '../runtime/addon.js';

/** Words 0 to 15 belong to the barrier. */
const STOP = 16;
const DECISION = 17;
const STEP = 18;
const WORDS = 32;

/** A worker must come back to JavaScript now and then, or it could not be terminated while it waits. */
const WAIT_MS = 50;

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
  meet(workers: number): void {
    if (workers === 1) return;
    const ticket = addon.barrierArrive(this.#words, workers);
    for (;;) {
      const outcome = addon.barrierWait(this.#words, ticket, workers, WAIT_MS);
      if (outcome === 0) return;
      if (outcome === 2) throw new ReleasedError();
    }
  }

  /** Ends the job: nobody waits for anyone any more. */
  abort(): void {
    addon.barrierAbort(this.#words);
  }

  /** Asks the workers to stop after the step under way. */
  requestStop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** One worker decides between two meetings, so that all of them stop after the same step. */
  decide(): void {
    Atomics.store(this.#words, DECISION, Atomics.load(this.#words, STOP));
  }

  get decidedToStop(): boolean {
    return Atomics.load(this.#words, DECISION) === 1;
  }

  /** Steps of the epoch that are done. */
  get stepsDone(): number {
    return Atomics.load(this.#words, STEP);
  }

  set stepsDone(steps: number) {
    Atomics.store(this.#words, STEP, steps);
  }
}

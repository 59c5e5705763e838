const READERS = 0;
const CLOSED = 1;
/** Number of workers that are ready for the update. */
const READY = 2;
/** Number of updates that have begun. */
const UPDATES = 3;
const WORDS = 4;

/** Longest wait in milliseconds before a worker looks again whether its job was aborted. */
const WAIT_MS = 50;

/**
 * Lets the main thread read parameters between the updates of worker threads: the workers close it for each update, once
 * the readers have left, and open it again. A reader waits for an update at most.
 */
export class Gate {
  readonly #words: Int32Array;
  /** Called when the threads have ended. */
  readonly atEnd = new Set<() => void>();

  /** @param buffer of another gate, which this one is then the same as; by default a new one, which is open */
  constructor(readonly buffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.#words = new Int32Array(buffer);
  }

  /** Enters unless the gate is closed. A reader that has entered must leave. */
  tryEnter(): boolean {
    Atomics.add(this.#words, READERS, 1);
    if (Atomics.load(this.#words, CLOSED) === 0) return true;
    this.leave();
    return false;
  }

  /** Number of updates that have begun. A reader that saw it before entering reads the values of that update or later. */
  get updates(): number {
    return Atomics.load(this.#words, UPDATES);
  }

  leave(): void {
    Atomics.sub(this.#words, READERS, 1);
    Atomics.notify(this.#words, READERS);
  }

  /** Resolves when the gate may be open. */
  async opened(): Promise<void> {
    await Atomics.waitAsync(this.#words, CLOSED, 1).value;
  }

  /**
   * Called by each worker that is ready for the update. The last of them closes the gate and waits for the readers to
   * leave, or until `isAborted` returns true.
   */
  close(workers: number, isAborted: () => boolean): void {
    if (Atomics.add(this.#words, READY, 1) + 1 < workers) return;
    Atomics.store(this.#words, READY, 0);
    Atomics.store(this.#words, CLOSED, 1);
    // Once closed: whoever sees this number enters after the update.
    Atomics.add(this.#words, UPDATES, 1);
    for (;;) {
      const readers = Atomics.load(this.#words, READERS);
      if (readers === 0 || isAborted()) return;
      Atomics.wait(this.#words, READERS, readers, WAIT_MS);
    }
  }

  open(): void {
    Atomics.store(this.#words, CLOSED, 0);
    Atomics.notify(this.#words, CLOSED);
  }

  /** Opens the gate for good. */
  end(): void {
    this.open();
    for (const ended of this.atEnd) ended();
    this.atEnd.clear();
  }

  /** Forgets the workers that were ready, none of which is left. */
  reset(): void {
    Atomics.store(this.#words, READY, 0);
  }
}

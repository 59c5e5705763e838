import { resolve } from 'node:path';
import { ChainruleError, hasCode } from '../graph/errors.js';
import { version } from '../runtime/version.js';
import { directoryError, warn } from './errors.js';
import type { CheckpointHeader, TensorSource } from './file.js';
import { DirectoryLock } from './lock.js';
import type { CompleteOptions } from './options.js';
import { decodeState, encodeState, FIRST_FORMAT, type RunState, type SavedState } from './state.js';
import { CheckpointThread } from './thread.js';

/** A run as saved in the newest intact file. */
export interface SavedRun extends SavedState {
  readonly path: string;
  readonly header: CheckpointHeader;
}

/** Directory of a run's checkpoints, which is locked, with the thread that reads and writes them. */
export class CheckpointStore {
  readonly #thread = new CheckpointThread();
  readonly #version = version();

  private constructor(
    private readonly options: CompleteOptions,
    private readonly lock: DirectoryLock,
  ) {}

  /**
   * Locks a directory, and reads the newest intact checkpoint if there is one. Warns of each damaged file it skips.
   *
   * @param signal ends a wait for the lock
   * @throws (rejects) if the directory is unusable, in use, or contains only damaged files
   */
  static async open(
    given: CompleteOptions,
    signal?: AbortSignal,
  ): Promise<{ store: CheckpointStore; saved: SavedRun | null }> {
    // The directory stays the same one if the process changes its own.
    const options = { ...given, dir: resolve(given.dir) };
    const lock = await DirectoryLock.acquire(options, signal).catch((error: unknown) => {
      if (error instanceof ChainruleError || signal?.aborted) throw error;
      throw directoryError(options.dir, 'it cannot be opened', error);
    });
    const store = new CheckpointStore(options, lock);
    try {
      return { store, saved: await store.#find() };
    } catch (error) {
      await store.end();
      throw error;
    }
  }

  async #find(): Promise<SavedRun | null> {
    const { dir } = this.options;
    const { found, damaged } = await this.#tried('it cannot be opened', this.#thread.open(dir));
    for (const { path, why } of damaged) warn(`the checkpoint ${path} is skipped: ${why}`);
    if (found) {
      const { path } = found;
      const state = decodeState(path, found.state);
      if (state.format === FIRST_FORMAT) {
        warn(
          `the checkpoint ${path} is of version ${state.version}, which noted few settings; others are not compared`,
        );
      }
      return { path, header: found, ...state };
    }
    if (damaged.length === 0) return null;
    throw directoryError(dir, 'no checkpoint in it is whole', `${damaged[0]?.path} ${damaged[0]?.why}`);
  }

  /** Reads a run's tensors into memory. */
  load({ path, header }: SavedRun, sources: readonly TensorSource[]): Promise<void> {
    return this.#tried(`${path} cannot be read`, this.#thread.load({ path, header, sources }));
  }

  /** Rejects if the directory is not writable. */
  probe(): Promise<void> {
    return this.#tried('it cannot be written to', this.#thread.probe(this.options.dir));
  }

  /**
   * Saves a run and returns the file's path. The memory must not change until the promise settles.
   *
   * @param metadata of the model
   */
  save(
    sources: readonly TensorSource[],
    state: RunState,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { dir, keep } = this.options;
    const { step } = state.progress;
    // Encoded at once, because the history goes on.
    const work = { dir, keep, step, sources, metadata, state: encodeState(state, this.#version) };
    const saved = this.lock.renew().then(() => this.#thread.save(work));
    return this.#tried(`the state after step ${step} cannot be saved`, saved);
  }

  /** Terminates the thread once all pending work is done, and unlocks the directory. */
  async end(): Promise<void> {
    await this.#thread.end();
    await this.lock.release();
  }

  async #tried<T>(failed: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (hasCode(cause, 'ERR_CHAINRULE_IN_USE')) throw cause;
      throw directoryError(this.options.dir, failed, cause);
    }
  }
}

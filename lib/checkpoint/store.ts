import { version } from '../runtime/version.js';
import { directoryError, warn } from './errors.js';
import type { CheckpointHeader, TensorSource } from './file.js';
import type { CompleteOptions } from './options.js';
import { decodeState, encodeState, type RunState } from './state.js';
import { CheckpointThread } from './thread.js';

/** A run as saved in the newest intact file. */
export interface SavedRun extends RunState {
  readonly path: string;
  readonly header: CheckpointHeader;
}

/** Directory of a run's checkpoints, with the thread that reads and writes them. */
export class CheckpointStore {
  readonly #thread = new CheckpointThread();
  readonly #version = version();

  private constructor(private readonly options: CompleteOptions) {}

  /**
   * Opens a directory, and reads the newest intact checkpoint if there is one. Warns of each damaged file it skips.
   *
   * @throws (rejects) if the directory is unusable, or contains only damaged files
   */
  static async open(options: CompleteOptions): Promise<{ store: CheckpointStore; saved: SavedRun | null }> {
    const store = new CheckpointStore(options);
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
    if (found) return { path: found.path, header: found, ...decodeState(found.path, found.state) };
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

  /** Saves a run and returns the file's path. The memory must not change until the promise settles. */
  save(sources: readonly TensorSource[], state: RunState): Promise<string> {
    const { dir, keep } = this.options;
    const { step } = state.progress;
    return this.#tried(
      `the state after step ${step} cannot be saved`,
      this.#thread.save({ dir, keep, step, sources, state: encodeState(state, this.#version) }),
    );
  }

  /** Terminates the thread once all pending work is done. */
  end(): Promise<void> {
    return this.#thread.end();
  }

  async #tried<T>(failed: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      throw directoryError(this.options.dir, failed, cause);
    }
  }
}

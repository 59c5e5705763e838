import type { Outcome } from '../graph/outcome.js';
import type { CheckpointHeader, TensorSource } from './file.js';

/** Work of the checkpoint thread. */
export type Work =
  /** Creates the directory, removes leftovers, and returns its `Newest`. */
  | { readonly kind: 'open'; readonly dir: string }
  /** Tests whether the directory is writable. */
  | { readonly kind: 'probe'; readonly dir: string }
  /** Reads a verified file into memory. */
  | {
      readonly kind: 'load';
      readonly path: string;
      readonly header: CheckpointHeader;
      readonly sources: readonly TensorSource[];
    }
  /** Writes a file, removes all but the newest `keep`, and returns its path. */
  | {
      readonly kind: 'save';
      readonly dir: string;
      readonly step: number;
      readonly sources: readonly TensorSource[];
      readonly state: string;
      /** Of the model, as its preprocessing. */
      readonly metadata?: Readonly<Record<string, string>>;
      readonly keep: number;
    };

export type Request = Work & { readonly id: number };

export interface Reply {
  readonly id: number;
  readonly outcome: Outcome<unknown>;
}

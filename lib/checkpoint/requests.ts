import type { CheckpointHeader, TensorSource } from './file.js';

/** What the thread of the checkpoints is asked to do. */
export type Work =
  /** Makes the directory, clears it up, and gives the `Newest` in it. */
  | { readonly kind: 'open'; readonly dir: string }
  /** Tries whether the directory can be written to. */
  | { readonly kind: 'probe'; readonly dir: string }
  /** Reads a verified file into memory. */
  | {
      readonly kind: 'load';
      readonly path: string;
      readonly header: CheckpointHeader;
      readonly places: readonly TensorSource[];
    }
  /** Writes a file, removes all but the newest `keep`, and gives its path. */
  | {
      readonly kind: 'save';
      readonly dir: string;
      readonly step: number;
      readonly places: readonly TensorSource[];
      readonly state: string;
      readonly keep: number;
    };

export type Request = Work & { readonly id: number };

/** An error of the thread. */
export interface Failure {
  readonly message: string;
  /** As `ENOSPC`. */
  readonly code?: string;
}

export type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly failure: Failure });

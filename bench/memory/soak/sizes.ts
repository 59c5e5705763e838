/** How much a soak does. */
export interface SoakSizes {
  /** Rounds, each with the same amount of work. */
  readonly rounds: number;
  /** Predictions, swaps of weights and calls of `fit`, over all rounds. */
  readonly predictions: number;
  readonly swaps: number;
  readonly fits: number;
  /** The largest batch, and the longest sequence; requests are of random sizes up to these. */
  readonly mostRows: number;
  readonly longest: number;
  /** Of all random choices. */
  readonly seed: number;
}

/** The whole soak. */
export const WHOLE: SoakSizes = {
  rounds: 300,
  predictions: 20_000,
  swaps: 300,
  fits: 300,
  mostRows: 5000,
  longest: 600,
  seed: 1,
};

/** A sample of it, for tests. */
export const SAMPLE: SoakSizes = {
  rounds: 6,
  predictions: 300,
  swaps: 6,
  fits: 6,
  mostRows: 1000,
  longest: 40,
  seed: 1,
};

/** What the process takes after a round; the first sample follows a round to warm up. */
export interface SoakSample {
  readonly round: number;
  /** Since the first sample. */
  readonly seconds: number;
  /** Bytes of resident memory, and of that without pages of files. */
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  /** Bytes in use in the main thread's heap. */
  readonly heapBytes: number;
  /** Bytes of the plans and arenas of the functions that predict. */
  readonly heldBytes: number;
  readonly threads: number;
  /** Open file handles. */
  readonly handles: number;
}

/** The samples of a soak: before the rounds, after each of them, and after everything was released. */
export interface SoakResult {
  readonly samples: readonly SoakSample[];
  readonly released: SoakSample;
  /** Shapes that came: of batches, and of sequences. */
  readonly shapes: number;
}

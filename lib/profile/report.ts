/** What some steps of plans cost. All figures are means: of one worker in one training step. */
export interface Work {
  readonly milliseconds: number;
  /** Of the whole training step, from 0 to 1. */
  readonly share: number;
  /** How often kernels were called. */
  readonly calls: number;
  /** Floating-point operations. */
  readonly flops: number;
  /** Bytes of the operands that are read and written, each once; what is repeated by broadcasting counts once. */
  readonly bytes: number;
  /** 10^9 floating-point operations a second. */
  readonly gflopsPerSecond: number;
  /** 10^9 bytes a second. */
  readonly gigabytesPerSecond: number;
  /** Operations a second as a share of what a worker reaches in products of large matrices, from 0 to 1. */
  readonly ofPeak: number;
}

/** The work of all steps of one op, or of one fused chain of ops, as `add+relu`. */
export interface OpWork extends Work {
  readonly op: string;
}

/** The work of one layer: the steps that its `forward` made, and those of their gradients. */
export interface LayerWork extends Work {
  /** A module's path; `(model)`, `(loss)` or `(update)` for what is in no other module, in none, or the optimiser's. */
  readonly layer: string;
  readonly forwardMilliseconds: number;
  readonly backwardMilliseconds: number;
}

/** The work of one step of a plan. */
export interface StepWork extends Work {
  readonly op: string;
  readonly layer: string;
  readonly part: 'forward' | 'backward' | 'update';
  /** Of what it reads and writes: `float32[64,128] float32[128,10] -> float32[64,10]`. */
  readonly shapes: string;
  /** Of one call, the fastest: what it can be where nothing gets in its way. */
  readonly fastestMilliseconds: number;
}

/** A worker's time in one training step, by what it was spent on, in milliseconds. The parts add up to the whole. */
export interface ProfileParts {
  /** Rows of the batch are put together. */
  readonly load: number;
  readonly forward: number;
  readonly backward: number;
  /** Waiting for the other workers. */
  readonly wait: number;
  /** The gradients of all workers are added up. */
  readonly sum: number;
  readonly update: number;
  /** All that is outside of kernels: calls from JavaScript, bindings, the clocks themselves. */
  readonly overhead: number;
}

/** An event of a flame chart, in the Chrome trace event format; times are microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  /** The rank of the worker. */
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, string | number>>;
}

/** Where the time of training steps goes. Plain data. */
export interface Profile {
  readonly workers: number;
  readonly steps: number;
  readonly batchSize: number;
  /** Wall-clock time of one training step. */
  readonly milliseconds: number;
  readonly examplesPerSecond: number;
  /** What all workers together reach in products of large float32 matrices, in 10^9 operations a second. */
  readonly peakGflopsPerSecond: number;
  /** What they reach in sums of float32 vectors in main memory, in 10^9 bytes a second; caches are faster. */
  readonly peakGigabytesPerSecond: number;
  readonly parts: ProfileParts;
  /** The slowest first, as all lists. */
  readonly ops: readonly OpWork[];
  readonly layers: readonly LayerWork[];
  readonly slowest: readonly StepWork[];
  /** A flame chart: written to a file as JSON, chrome://tracing and ui.perfetto.dev show it. */
  readonly trace: { readonly traceEvents: readonly TraceEvent[]; readonly displayTimeUnit: 'ms' };
}

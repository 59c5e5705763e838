/** Cost of some steps of plans. All figures are means per worker and training step. */
export interface Work {
  readonly milliseconds: number;
  /** Share of the time of the whole training step, from 0 to 1. */
  readonly share: number;
  /** Number of kernel calls. */
  readonly calls: number;
  /** Floating-point operations. */
  readonly flops: number;
  /** Distinct bytes of the operands read and written; repetition by broadcasting is not counted. */
  readonly bytes: number;
  /** 10^9 floating-point operations per second. */
  readonly gflopsPerSecond: number;
  /** 10^9 bytes per second. */
  readonly gigabytesPerSecond: number;
  /** Operations per second as a share of a worker's rate in products of large matrices, from 0 to 1. */
  readonly ofPeak: number;
}

/** Work of all steps of one op, or of one fused chain of ops such as `add+relu`. */
export interface OpWork extends Work {
  readonly op: string;
}

/** Work of one layer: the steps made by its `forward`, and those of their gradients. */
export interface LayerWork extends Work {
  /** Path of a module; `(model)` for the model itself, `(loss)` outside all modules, `(update)` for the optimiser. */
  readonly layer: string;
  readonly forwardMilliseconds: number;
  readonly backwardMilliseconds: number;
}

/** Work of one step of a plan. */
export interface StepWork extends Work {
  readonly op: string;
  readonly layer: string;
  readonly part: 'forward' | 'backward' | 'update';
  /** Operands read and written: `float32[64,128] float32[128,10] -> float32[64,10]`. */
  readonly shapes: string;
  /** Time of one call in the fastest run, which other activity disturbs least. */
  readonly fastestMilliseconds: number;
}

/** Time of a worker in one training step by activity, in milliseconds. The parts add up to the whole. */
export interface ProfileParts {
  /** Loading the rows of the batch. */
  readonly load: number;
  readonly forward: number;
  readonly backward: number;
  /** Waiting for the other workers. */
  readonly wait: number;
  /** Adding up the gradients of all workers. */
  readonly sum: number;
  readonly update: number;
  /** Time outside of kernels: calls from JavaScript, bindings, the clocks themselves. */
  readonly overhead: number;
}

/** An event of a flame chart, in the Chrome trace event format; times are microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  /** Rank of the worker. */
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, string | number>>;
}

/** Time of training steps by phase, op and layer. Plain data. */
export interface Profile {
  readonly workers: number;
  readonly steps: number;
  readonly batchSize: number;
  /** Wall-clock time of one training step. */
  readonly milliseconds: number;
  readonly examplesPerSecond: number;
  /** Rate of all workers together in products of large float32 matrices, in 10^9 operations per second. */
  readonly peakGflopsPerSecond: number;
  /** Their rate in sums of float32 vectors in main memory, in 10^9 bytes per second; caches are faster. */
  readonly peakGigabytesPerSecond: number;
  readonly parts: ProfileParts;
  /** Slowest first, like all lists. */
  readonly ops: readonly OpWork[];
  readonly layers: readonly LayerWork[];
  readonly slowest: readonly StepWork[];
  /** Flame chart: saved as JSON, it opens in chrome://tracing and ui.perfetto.dev. */
  readonly trace: { readonly traceEvents: readonly TraceEvent[]; readonly displayTimeUnit: 'ms' };
}

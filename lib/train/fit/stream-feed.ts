import type { AnyDataset } from '../../data/dataset.js';
import { type AnyStream, StreamDataset } from '../../data/stream.js';
import { noFullBatch } from '../../data/stream-batches.js';
import { type Chunk, StreamChunks } from '../../data/stream-chunks.js';
import { StreamMemory } from '../../data/stream-memory.js';
import { ChainruleError, invalid, withNote } from '../../graph/errors.js';
import type { Signal } from '../../graph/web-types.js';
import type { BoundPlan, EpochStart, EpochStretch, Job, TrainingJob } from '../../parallel/protocol/job.js';
import { type Batching, batchCount, trainedSamples } from '../../parallel/protocol/shards.js';
import type { FitOptions } from '../options.js';
import { BATCH_SIZE } from '../prepare/compile-job.js';
import { type EpochOptions, type EpochOutcome, runEpoch } from './epoch-run.js';
import type { Session } from './session.js';

/** Most sizes of last batches whose plans are kept. */
const MOST_RESTS = 8;

/** Options of an epoch on a stream. */
export interface FeedOptions extends EpochOptions {
  readonly signal: Signal | undefined;
  /** Compiles the plans for a batch of `rows` rows. */
  readonly planRows: (rows: number) => ReadonlyMap<number, BoundPlan>;
}

/** Trains on a stream: the workers read one half of its memory while the other half is filled. */
export class StreamFeed {
  /** The data set that the workers read. */
  readonly memory: StreamMemory;
  /** By the rows of last batches, least recently used first. */
  readonly #plans = new Map<number, ReadonlyMap<number, BoundPlan>>();

  constructor(
    readonly stream: AnyStream,
    private readonly batching: Batching,
  ) {
    this.memory = new StreamMemory(stream, batching.batchSize * Math.floor(stream.queue / 2));
  }

  /** Trains an epoch, or the rest of one, stretch by stretch, each as `runEpoch` does. */
  async run(
    session: Session,
    job: Job & { training: TrainingJob },
    start: EpochStart,
    options: FeedOptions,
  ): Promise<EpochOutcome> {
    const { half } = this.memory;
    const { batchSize } = this.batching;
    const { startStep = 0 } = start;
    const stepsOfHalf = half / batchSize;
    let firstStep = Math.floor(startStep / stepsOfHalf) * stepsOfHalf;
    const chunks = new StreamChunks(this.stream, this.memory, start.epoch, firstStep * batchSize);
    const skipped = new Int32Array(job.training.skipped);
    const began = performance.now();
    let samples = 0;
    let outcome: EpochOutcome | undefined;
    try {
      for (;;) {
        const next = await untilAborted(chunks.next(), options.signal);
        if (next === 'aborted') return stopped(outcome?.done ?? startStep, start, options.signal);
        const chunk = this.#trainedOf(next);
        if (next && !chunk && firstStep === 0) throw noFullBatch('fit', next.count, batchSize);
        if (chunk === null && firstStep === 0) throw invalid('stream', chunks.emptyRule);
        if (next && !chunk) Atomics.add(skipped, 0, next.skipped);
        if (chunk === null && outcome) break;
        // An epoch that is resumed after its last step has nothing left but its figures.
        const stretch = this.#stretchOf(chunk ?? { start: 0, count: 0, firstItem: 0 }, firstStep);
        outcome = await runEpoch(session, job, this.#startOf(start, stretch, options), options);
        if (chunk) Atomics.add(skipped, 0, chunk.skipped);
        samples = firstStep * batchSize + stretch.count - startStep * batchSize;
        firstStep += batchCount(stretch.count, batchSize);
        if (outcome.failure || outcome.done < firstStep) return outcome;
        if (chunk === null) break;
        // Throws what onProgress threw.
        outcome.result();
      }
    } catch (error) {
      return {
        ...stopped(outcome?.done ?? startStep, start, undefined),
        failure: { error, notFinite: false, damage: undefined },
      };
    } finally {
      await chunks.close();
    }
    const { result } = outcome;
    // The time of all stretches, including the waits for their data.
    const seconds = (performance.now() - began) / 1000;
    return { ...outcome, result: () => ({ ...result(), seconds, examplesPerSecond: samples / seconds }) };
  }

  /** The items to train on; null if there are none. */
  #trainedOf(chunk: Chunk | null): Chunk | null {
    const count = trainedSamples(chunk?.count ?? 0, this.batching);
    return chunk && count > 0 ? { ...chunk, count } : null;
  }

  #stretchOf({ start, count, firstItem }: Omit<EpochStretch, 'firstStep'>, firstStep: number): EpochStretch {
    const { mostSteps } = this.memory;
    if (firstStep + batchCount(count, this.batching.batchSize) > mostSteps)
      throw invalid('stream', `an epoch may have ${mostSteps} steps`);
    const { length } = this.stream;
    const expected = length === undefined ? {} : { expected: trainedSamples(length, this.batching) };
    return { firstStep, start, count, firstItem, ...expected };
  }

  #startOf(start: EpochStart, stretch: EpochStretch, { planRows }: FeedOptions): EpochStart {
    const startStep = Math.max(start.startStep ?? 0, stretch.firstStep);
    const rest = stretch.count % this.batching.batchSize;
    if (rest === 0) return { ...start, startStep, stretch };
    const plans = this.#plans.get(rest) ?? planAt(rest, planRows, `epoch ${start.epoch}, step ${startStep}`);
    this.#plans.delete(rest);
    this.#plans.set(rest, plans);
    for (const oldest of this.#plans.keys()) if (this.#plans.size > MOST_RESTS) this.#plans.delete(oldest);
    return { ...start, startStep, stretch, plans };
  }
}

function planAt(
  rows: number,
  planRows: FeedOptions['planRows'],
  place: string,
): ReadonlyMap<number, BoundPlan> {
  try {
    return planRows(rows);
  } catch (error) {
    if (!(error instanceof ChainruleError)) throw error;
    throw withNote(error, `at ${place}; the parameters are those of the last whole step`);
  }
}

/** Outcome of an epoch that was left before its end. */
function stopped(done: number, start: EpochStart, signal: Signal | undefined): EpochOutcome {
  const result = () => {
    throw signal?.reason;
  };
  return { done, start, result };
}

async function untilAborted<T>(promise: Promise<T>, signal: Signal | undefined): Promise<T | 'aborted'> {
  if (!signal) return promise;
  let stop = () => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    stop = () => resolve('aborted');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The feed of a stream; undefined for other data. */
export function feedOf(
  data: AnyDataset | AnyStream,
  { batchSize = BATCH_SIZE, dropLast = false, health }: Pick<FitOptions, 'batchSize' | 'dropLast' | 'health'>,
): StreamFeed | undefined {
  if (!(data instanceof StreamDataset)) return undefined;
  if (health) throw invalid('fit', 'health needs a Dataset, whose first samples can be looked at');
  return new StreamFeed(data, { batchSize, dropLast });
}

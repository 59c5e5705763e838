import { invalid } from '../graph/errors.js';
import { permutation } from '../graph/random.js';
import type { AnyBatch, BatchesOptions } from './batches.js';
import { arraysOf, roomFor, sidesOf } from './columns.js';
import { SampleLoader } from './sample-loader.js';
import type { AnyStream } from './stream.js';
import { type Chunk, StreamChunks } from './stream-chunks.js';
import { StreamMemory } from './stream-memory.js';

/** Number of first items of chunks that are shuffled differently. */
const CHUNKS = 2 ** 20;

/** The batches of one epoch of a stream, for an epoch counted from 0. Each iteration opens the stream again. */
export async function* streamBatches(
  stream: AnyStream,
  { batchSize, shuffle, seed, epoch, dropLast }: Required<BatchesOptions>,
): AsyncGenerator<AnyBatch, void, undefined> {
  const memory = new StreamMemory(stream, batchSize * Math.floor(stream.queue / 2));
  const loader = await SampleLoader.open(memory.source, seed);
  const chunks = new StreamChunks(stream, memory, epoch + 1);
  let items = 0;
  let yielded = 0;
  try {
    for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
      items += chunk.count;
      const order = orderOf(chunk, shuffle ? { seed, epoch } : undefined);
      const end = chunk.start + chunk.count;
      for (let start = chunk.start; start < end; start += batchSize) {
        const batch = { start, count: Math.min(batchSize, end - start) };
        if (dropLast && batch.count < batchSize) break;
        const room = roomFor(memory.forms, batch.count);
        const indexOffset = chunk.firstItem - chunk.start;
        const request = { order, batch, rows: batch, epoch, indexOffset };
        loader.load(request, arraysOf(room));
        const indices = order.slice(start, start + batch.count).map((row) => row + indexOffset);
        yielded++;
        yield { ...sidesOf(room), indices };
      }
    }
  } finally {
    await chunks.close();
  }
  if (items === 0) throw invalid('stream', chunks.emptyRule);
  if (yielded === 0) throw noFullBatch('batches', items, batchSize);
}

/** The error of a call that leaves out all samples, because they do not fill a batch. */
export function noFullBatch(op: string, samples: number, batchSize: number) {
  return invalid(op, `with dropLast, batchSize must be at most the ${samples} samples`, batchSize);
}

/** The rows of a chunk in order, or shuffled, at their positions in the memory of the stream. */
function orderOf({ start, count, firstItem }: Chunk, random?: { seed: number; epoch: number }): Int32Array {
  const order = Int32Array.from({ length: start + count }, (_, row) => row);
  if (!random) return order;
  // Every chunk of every epoch has an order of its own.
  permutation(count, random.seed, random.epoch + 2 ** 32 * (1 + (firstItem % CHUNKS))).forEach(
    (position, i) => {
      order[start + i] = start + position;
    },
  );
  return order;
}

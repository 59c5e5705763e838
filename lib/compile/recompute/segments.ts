import { at } from '../../graph/at.js';
import { LiveBytes } from '../liveness/live-bytes.js';
import { firstReader, lastReader, type Readers, readersOf } from '../liveness/readers.js';
import type { Actions } from './actions.js';

/** Fraction of the bytes kept for the backward pass whose smallest values are neglected. */
const NEGLIGIBLE = 0.005;

/** A schedule as a chain: segments that run one after another, and the backward actions of each. */
export interface Segments {
  /** The first action after all segments. */
  readonly split: number;
  /** The first action of each segment, followed by the split. */
  readonly cuts: readonly number[];
  /**
   * The backward actions of each segment, `end` exclusive. Segments follow in reverse order: `back[s].start` is
   * `back[s + 1].end`, and `back[0].end` is the end of all.
   */
  readonly back: readonly { readonly start: number; readonly end: number }[];
  /** The segment that computes each value; -1 after the split. */
  readonly segmentOf: Int32Array;
  /** The actions that read each value. */
  readonly readers: Readers;
  /** The last action before the split that reads each value; -1 if there is none. */
  readonly lastForwardRead: Int32Array;
  /** The segment whose backward actions read each value first; -1 if there is none. */
  readonly firstBack: Int32Array;
}

/**
 * Cuts a schedule into segments. The split is where the most bytes are held for later reads: in a training step, the
 * start of the backward pass. A segment ends at an action that is expensive or saves something for the backward
 * pass; if there are too many, those with little memory held between them are merged.
 */
export function findSegments(actions: Actions, mostSegments: number): Segments {
  const { reads, producer, bytes } = actions;
  const total = reads.length;
  const readers = readersOf(reads, bytes.length);
  const split = findSplit(actions, readers);
  const lastForwardRead = Int32Array.from(readers, (_, value) => lastReader(readers, value, split));
  const kept = bytes.map((_, value) => at(producer, value) < split && lastReader(readers, value) >= split);
  const large = largeValues(bytes, kept);
  const positions = chooseCuts(actions, split, { lastForwardRead, kept: large }, mostSegments);
  const cuts = [...positions, split];
  const segmentOf = new Int32Array(bytes.length).fill(-1);
  for (let value = 0; value < bytes.length; value++) {
    const made = at(producer, value);
    if (made < split) segmentOf[value] = segmentAt(cuts, made);
  }
  // All backward actions up to a reader hold the value it reads, so segment numbers never rise along the way.
  const furthest = new Int32Array(total - split).fill(-1);
  for (let action = total - 1, most = -1; action >= split; action--) {
    for (const value of at(reads, action)) {
      if (large[value]) most = Math.max(most, at(segmentOf, value));
    }
    furthest[action - split] = most;
  }
  const back = positions.map((_, segment) => {
    const from = furthest.findIndex((most) => most <= segment);
    const to = furthest.findIndex((most) => most < segment);
    return { start: from < 0 ? total : split + from, end: to < 0 ? total : split + to };
  });
  const firstBack = Int32Array.from(readers, (_, value) => {
    const first = firstReader(readers, value, split);
    return first < 0 ? -1 : at(furthest, first - split);
  });
  return { split, cuts, back, segmentOf, readers, lastForwardRead, firstBack };
}

function findSplit({ reads, producer, bytes }: Actions, readers: Readers): number {
  const held = new LiveBytes(reads.length);
  bytes.forEach((size, value) => {
    // Held at the actions after the producer, up to the last reader.
    held.add(size, at(producer, value) + 1, lastReader(readers, value));
  });
  let [best, most] = [reads.length, 0];
  held.sums().forEach((sum, position) => {
    if (sum > most) [best, most] = [position, sum];
  });
  return best;
}

/** Marks the kept values that count: all but the smallest, which are kept in any case. */
function largeValues(bytes: readonly number[], kept: readonly boolean[]): boolean[] {
  const order = bytes.map((_, value) => value).filter((value) => kept[value]);
  order.sort((a, b) => at(bytes, a) - at(bytes, b));
  let left = NEGLIGIBLE * order.reduce((sum, value) => sum + at(bytes, value), 0);
  const large = [...kept];
  for (const value of order) {
    left -= at(bytes, value);
    if (left < 0) break;
    large[value] = false;
  }
  return large;
}

/** A segment, and the bytes that it saves for the backward pass. */
interface Segment {
  readonly first: number;
  saved: number;
}

/** The first action of each segment. */
function chooseCuts(
  actions: Actions,
  split: number,
  { lastForwardRead, kept }: { lastForwardRead: Int32Array; kept: readonly boolean[] },
  mostSegments: number,
): number[] {
  const { writes, bytes } = actions;
  const segments = Array.from({ length: split }, (_, first): Segment => {
    const made = at(writes, first);
    return {
      first,
      saved: made.reduce((sum, value) => sum + (kept[value] ? at(bytes, value) : 0), 0),
    };
  });
  const mean = actions.cost.slice(0, split).reduce((sum, cost) => sum + cost, 0) / split;
  const useful: Segment[] = [];
  segments.forEach((segment, i) => {
    const before = useful.at(-1);
    const isDear = (actions.cost[i - 1] as number) >= mean;
    if (before?.saved === 0 && !isDear) before.saved = segment.saved;
    else useful.push(segment);
  });
  const boundary = heldBetween(actions, split, lastForwardRead);
  while (useful.length > mostSegments) mergeTwo(useful, boundary);
  return useful.map(({ first }) => first);
}

/** Merges the two adjacent segments that gain least from a cut: small ones, with much to hold between them. */
function mergeTwo(segments: Segment[], boundary: Float64Array): void {
  let [best, least] = [1, Number.POSITIVE_INFINITY];
  for (let i = 1; i < segments.length; i++) {
    const [left, right] = [segments[i - 1] as Segment, segments[i] as Segment];
    const score = (left.saved + right.saved + 1) / ((boundary[right.first] as number) + 1);
    if (score < least) [best, least] = [i, score];
  }
  const [merged] = segments.splice(best, 1) as [Segment];
  at(segments, best - 1).saved += merged.saved;
}

/** The bytes held before each action because the forward pass still reads them. */
function heldBetween({ bytes, producer }: Actions, split: number, lastForwardRead: Int32Array): Float64Array {
  const held = new LiveBytes(split);
  bytes.forEach((size, value) => {
    held.add(size, at(producer, value) + 1, at(lastForwardRead, value));
  });
  return held.sums();
}

function segmentAt(cuts: readonly number[], action: number): number {
  let [low, high] = [0, cuts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(cuts, middle) <= action) low = middle;
    else high = middle;
  }
  return low;
}

import { at } from '../../graph/at.js';
import { shareInPlace } from '../liveness/in-place.js';
import { LiveBytes, largest } from '../liveness/live-bytes.js';
import { lastReader } from '../liveness/readers.js';
import type { Actions } from './actions.js';
import type { Segments } from './segments.js';

/** Costs of the segments for the chain search. Bytes are relative to those held before a segment begins. */
export interface SegmentCosts {
  /** The cost of rerunning a segment for the ones after it. */
  readonly forward: Float64Array;
  /** `sweepPeak[s][j]`: the peak in segment j of a run that starts at segment s and keeps nothing. */
  readonly sweepPeak: readonly Float64Array[];
  /** `boundary[k][s]`: bytes of the values from segments s to k - 1 that are held where segment k begins. */
  readonly boundary: readonly Float64Array[];
  /** Bytes of gradients that are live where the backward pass of a segment begins. */
  readonly waiting: Float64Array;
  /** The costs of each segment if it keeps what it needs. */
  readonly kept: readonly KeptSegment[];
}

/** Costs of a segment that keeps what its backward pass reads. */
export interface KeptSegment {
  /** Cost of running it: for its backward pass alone, and for the segments after it as well. */
  readonly own: number;
  readonly both: number;
  /** As `own`, if the values that the segments after it read are still held; and the actions counted. */
  readonly rest: number;
  readonly restActions: readonly number[];
  /** The bytes of those held values that the backward pass reads. */
  readonly given: number;
  /** The bytes that are kept. */
  readonly bytes: number;
  /** Peak bytes while it runs, and during its backward pass. */
  readonly peak: number;
  readonly backPeak: number;
}

/** Measures the costs of the segments. */
export function measureSegments(actions: Actions, segments: Segments): SegmentCosts {
  const count = segments.cuts.length - 1;
  const backward = liveOnTheWayBack(actions, segments);
  const boundary = measureBoundaries(actions, segments, count);
  const each = Array.from({ length: count }, (_, segment) => segment);
  return {
    forward: Float64Array.from(each, (segment) =>
      costOf(actions, neededActions(actions, segments, segment).forward),
    ),
    sweepPeak: measureSweeps(actions, segments, count),
    boundary,
    waiting: Float64Array.from(segments.back, ({ start }) => backward.before[start - segments.split] ?? 0),
    kept: each.map((segment) => measureKept(actions, segments, segment, backward.during)),
  };
}

function costOf({ cost }: Actions, list: Iterable<number>): number {
  let sum = 0;
  for (const action of list) sum += cost[action] as number;
  return sum;
}

/** True if a value from an earlier segment is held where the given segment begins. */
function crosses(
  { segmentOf, lastForwardRead, firstBack, cuts }: Segments,
  value: number,
  segment: number,
): boolean {
  const made = segmentOf[value] as number;
  if (made < 0 || made >= segment) return false;
  return (
    (lastForwardRead[value] as number) >= (cuts[segment] as number) || (firstBack[value] as number) >= segment
  );
}

function measureBoundaries({ bytes }: Actions, segments: Segments, count: number): Float64Array[] {
  const held = Array.from({ length: count + 1 }, () => new Float64Array(count + 1));
  bytes.forEach((size, value) => {
    const made = at(segments.segmentOf, value);
    if (made < 0) return;
    for (let segment = made + 1; segment < count && crosses(segments, value, segment); segment++) {
      const row = at(held, segment);
      row[made] = (row[made] as number) + size;
    }
  });
  for (const row of held) {
    for (let segment = count - 1; segment >= 0; segment--)
      row[segment] = (row[segment] as number) + (row[segment + 1] as number);
  }
  return held;
}

/** Bytes of its own values that the backward pass holds before and during each of its actions. */
function liveOnTheWayBack(
  { reads, writes, bytes, scratch }: Actions,
  { split, readers }: Segments,
): { readonly before: Float64Array; readonly during: Float64Array } {
  const [before, during] = [new LiveBytes(reads.length - split), new LiveBytes(reads.length - split)];
  for (let action = split; action < reads.length; action++) {
    const position = action - split;
    during.add(at(scratch, action), position, position);
    for (const value of at(writes, action)) {
      const size = at(bytes, value);
      const last = Math.max(action, lastReader(readers, value)) - split;
      before.add(size, position + 1, last);
      during.add(size, position, last);
    }
  }
  return { before: before.sums(), during: during.sums() };
}

/** The actions of a segment that later segments need, and those that its own backward pass needs. */
function neededActions(actions: Actions, segments: Segments, segment: number) {
  const { reads, writes, producer, bytes } = actions;
  const { cuts, back, segmentOf } = segments;
  const [from, to] = [at(cuts, segment), at(cuts, segment + 1)];
  const reach = (values: Iterable<number>) => {
    const wanted = new Set(values);
    const found: number[] = [];
    for (let action = to - 1; action >= from; action--) {
      if (!at(writes, action).some((value) => wanted.has(value))) continue;
      found.push(action);
      for (const value of at(reads, action)) {
        if ((producer[value] as number) >= from) wanted.add(value);
      }
    }
    return found.reverse();
  };
  const passed = new Set(
    writes
      .slice(from, to)
      .flat()
      .filter((value) => crosses(segments, value, segment + 1)),
  );
  const onTheWayBack = reads.slice(back[segment]?.start, back[segment]?.end).flat();
  const read = [...new Set(onTheWayBack)].filter((value) => segmentOf[value] === segment);
  const given = read.filter((value) => passed.has(value));
  return {
    forward: reach(passed),
    own: reach(read),
    both: reach([...read, ...passed]),
    rest: reach(read.filter((value) => !passed.has(value))),
    given: given.reduce((sum, value) => sum + (bytes[value] as number), 0),
  };
}

function measureSweeps(actions: Actions, segments: Segments, count: number): Float64Array[] {
  const { writes, bytes, scratch } = actions;
  const { cuts, split, lastForwardRead } = segments;
  const peaks = Array.from({ length: count }, () => new Float64Array(count));
  // The live bytes of the values of each segment.
  const live = peaks.map((_, segment) => {
    const own = new LiveBytes(split);
    for (let action = at(cuts, segment); action < at(cuts, segment + 1); action++) {
      for (const value of at(writes, action)) {
        own.add(at(bytes, value), action, Math.max(action, at(lastForwardRead, value)));
      }
    }
    return own.sums();
  });
  for (let segment = 0; segment < count; segment++) {
    for (let action = at(cuts, segment); action < at(cuts, segment + 1); action++) {
      const spared = bytesInPlace(
        actions,
        action,
        (value) => lastForwardRead[value] === action,
        (value) => (lastForwardRead[value] as number) < action,
      );
      let sum = at(scratch, action) - spared;
      for (let first = segment; first >= 0; first--) {
        sum += live[first]?.[action] as number;
        const row = peaks[first] as Float64Array;
        row[segment] = Math.max(row[segment] as number, sum);
      }
    }
  }
  return peaks;
}

/** The bytes that an action saves by writing in place of values that die there. */
function bytesInPlace(
  { inPlace, bytes }: Actions,
  action: number,
  dies: (read: number) => boolean,
  isIdle: (write: number) => boolean,
): number {
  let sum = 0;
  shareInPlace(at(inPlace, action), dies, isIdle, (write) => {
    sum += at(bytes, write);
  });
  return sum;
}

function measureKept(
  actions: Actions,
  segments: Segments,
  segment: number,
  during: Float64Array,
): KeptSegment {
  const { own, both, rest, given } = neededActions(actions, segments, segment);
  return {
    own: costOf(actions, own),
    both: costOf(actions, both),
    rest: costOf(actions, rest),
    restActions: rest,
    given,
    ...peaksOfKept(actions, segments, segment, during),
  };
}

function peaksOfKept(
  actions: Actions,
  segments: Segments,
  segment: number,
  during: Float64Array,
): Pick<KeptSegment, 'bytes' | 'peak' | 'backPeak'> {
  const { writes, bytes, scratch } = actions;
  const { cuts, back, split, segmentOf, lastForwardRead, readers } = segments;
  const { start, end } = at(back, segment);
  const isReadBack = (value: number) => lastReader(readers, value, end) >= start;
  const isKept = (value: number) => isReadBack(value) || crosses(segments, value, segment + 1);
  const [from, to] = [at(cuts, segment), at(cuts, segment + 1)];
  const [forward, backward] = [new LiveBytes(to - from), new LiveBytes(end - start)];
  let kept = 0;
  for (let action = from; action < to; action++) {
    const position = action - from;
    for (const value of at(writes, action)) {
      const size = at(bytes, value);
      if (isKept(value)) {
        kept += size;
        forward.add(size, position, to - from - 1);
      } else forward.add(size, position, Math.max(action, at(lastForwardRead, value)) - from);
      if (isReadBack(value)) backward.add(size, 0, lastReader(readers, value, end) - start);
    }
    const spared = bytesInPlace(
      actions,
      action,
      (value) => lastForwardRead[value] === action && segmentOf[value] === segment && !isReadBack(value),
      (value) => (lastForwardRead[value] as number) < action && !isKept(value),
    );
    forward.add(at(scratch, action) - spared, position, position);
  }
  for (let action = start; action < end; action++) {
    backward.add(at(during, action - split), action - start, action - start);
  }
  return { bytes: kept, peak: largest(forward.sums()), backPeak: largest(backward.sums()) };
}

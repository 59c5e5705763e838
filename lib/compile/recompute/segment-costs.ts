import type { Actions } from './actions.js';
import { bytesInPlace, type InPlace } from './in-place.js';
import type { Segments } from './segments.js';

/** Segments that are kept together at most: what one of them only makes for the next need not be kept then. */
export const MOST_TOGETHER = 3;

/** What the search over a chain has to know of its stages; bytes beyond those that are held before a stage begins. */
export interface SegmentCosts {
  /** What running a stage again for those behind it costs. */
  readonly forward: Float64Array;
  /** `sweepPeak[s][j]`: the most that stage j takes of a run from stage s on that keeps nothing. */
  readonly sweepPeak: readonly Float64Array[];
  /** `boundary[k][s]`: what is held where stage k begins of what stages from s on have made. */
  readonly boundary: readonly Float64Array[];
  /** Gradients that wait where the way back through a stage begins. */
  readonly waiting: Float64Array;
  /** `kept[s][n]`: stages s to s + n that keep what they need. */
  readonly kept: readonly (readonly KeptSegments[])[];
}

/** Neighbouring stages that keep what their way back reads. */
export interface KeptSegments {
  /** What running them costs: for the way back alone, and for the stages behind them as well. */
  readonly own: number;
  readonly both: number;
  /** As `own`, where what the stages behind read is still there; the actions that this counts. */
  readonly rest: number;
  readonly restActions: readonly number[];
  /** The bytes of what is still there then, and the way back reads. */
  readonly given: number;
  /** The bytes that are kept. */
  readonly bytes: number;
  /** The most that they take while they run, and on the way back. */
  readonly peak: number;
  readonly backPeak: number;
}

/** Measures the stages. */
export function measureSegments(actions: Actions, stages: Segments): SegmentCosts {
  const count = stages.cuts.length - 1;
  const backward = liveOnTheWayBack(actions, stages);
  const boundary = measureBoundaries(actions, stages, count);
  const each = Array.from({ length: count }, (_, stage) => stage);
  return {
    forward: Float64Array.from(each, (stage) =>
      costOf(actions, neededActions(actions, stages, stage, stage).forward),
    ),
    sweepPeak: measureSweeps(actions, stages, count),
    boundary,
    waiting: Float64Array.from(stages.back, ({ start }) => backward.before[start - stages.split] ?? 0),
    kept: each.map((first) =>
      each
        .slice(first, first + MOST_TOGETHER)
        .map((last) => measureKept(actions, stages, { first, last }, backward.during)),
    ),
  };
}

function costOf({ cost }: Actions, list: Iterable<number>): number {
  let sum = 0;
  for (const action of list) sum += cost[action] as number;
  return sum;
}

/** Whether a value is held where a stage begins that stands behind the one that makes it. */
function crosses(
  { stageOf, lastForwardRead, firstBack, cuts }: Segments,
  value: number,
  stage: number,
): boolean {
  const made = stageOf[value] as number;
  if (made < 0 || made >= stage) return false;
  return (
    (lastForwardRead[value] as number) >= (cuts[stage] as number) || (firstBack[value] as number) >= stage
  );
}

function measureBoundaries({ bytes }: Actions, stages: Segments, count: number): Float64Array[] {
  const held = Array.from({ length: count + 1 }, () => new Float64Array(count + 1));
  bytes.forEach((size, value) => {
    const made = stages.stageOf[value] as number;
    if (made < 0) return;
    for (let stage = made + 1; stage < count && crosses(stages, value, stage); stage++) {
      const row = held[stage] as Float64Array;
      row[made] = (row[made] as number) + size;
    }
  });
  for (const row of held) {
    for (let stage = count - 1; stage >= 0; stage--)
      row[stage] = (row[stage] as number) + (row[stage + 1] as number);
  }
  return held;
}

/** Bytes that the backward pass holds of its own before each of its actions, and while it runs. */
function liveOnTheWayBack({ reads, writes, bytes, scratch, producer }: Actions, { split }: Segments) {
  const length = reads.length - split;
  const last = new Map<number, number>();
  reads.forEach((values, action) => {
    for (const value of values) if ((producer[value] as number) >= split) last.set(value, action - split);
  });
  const ended = new Float64Array(length + 1);
  const during = new Float64Array(length);
  const before = new Float64Array(length + 1);
  let live = 0;
  for (let at = 0; at < length; at++) {
    live -= ended[at] as number;
    before[at] = live;
    for (const value of writes[at + split] as readonly number[]) {
      const end = (last.get(value) ?? at) + 1;
      live += bytes[value] as number;
      ended[end] = (ended[end] as number) + (bytes[value] as number);
    }
    during[at] = live + (scratch[at + split] as number);
  }
  return { during, before };
}

/** Of neighbouring stages the actions that later stages need, and those that the way back through them needs. */
function neededActions(actions: Actions, stages: Segments, first: number, last: number) {
  const { reads, writes, producer, bytes } = actions;
  const { cuts, back, stageOf } = stages;
  const [from, to] = [cuts[first] as number, cuts[last + 1] as number];
  const reach = (values: Iterable<number>) => {
    const wanted = new Set(values);
    const found: number[] = [];
    for (let action = to - 1; action >= from; action--) {
      if (!(writes[action] as readonly number[]).some((value) => wanted.has(value))) continue;
      found.push(action);
      for (const value of reads[action] as readonly number[]) {
        if ((producer[value] as number) >= from) wanted.add(value);
      }
    }
    return found.reverse();
  };
  const passed = new Set(
    writes
      .slice(from, to)
      .flat()
      .filter((value) => crosses(stages, value, last + 1)),
  );
  const onTheWayBack = reads.slice(back[last]?.start, back[first]?.end).flat();
  const read = [...new Set(onTheWayBack)].filter((value) => {
    const made = stageOf[value] as number;
    return made >= first && made <= last;
  });
  const given = read.filter((value) => passed.has(value));
  return {
    forward: reach(passed),
    own: reach(read),
    both: reach([...read, ...passed]),
    rest: reach(read.filter((value) => !passed.has(value))),
    given: given.reduce((sum, value) => sum + (bytes[value] as number), 0),
  };
}

function measureSweeps({ writes, bytes, scratch, inPlace }: Actions, stages: Segments, count: number) {
  const { cuts, stageOf, lastForwardRead } = stages;
  const peaks = Array.from({ length: count }, () => new Float64Array(count));
  const live = new Float64Array(count);
  const ending = new Map<number, number[]>();
  for (let stage = 0; stage < count; stage++) {
    for (let action = cuts[stage] as number; action < (cuts[stage + 1] as number); action++) {
      for (const value of writes[action] as readonly number[]) {
        live[stage] = (live[stage] as number) + (bytes[value] as number);
        const end = Math.max(action, lastForwardRead[value] as number);
        ending.set(end, [...(ending.get(end) ?? []), value]);
      }
      const spared = bytesInPlace(
        inPlace[action] as InPlace,
        bytes,
        (value) => lastForwardRead[value] === action,
        (value) => (lastForwardRead[value] as number) < action,
      );
      let sum = (scratch[action] as number) - spared;
      for (let first = stage; first >= 0; first--) {
        sum += live[first] as number;
        const row = peaks[first] as Float64Array;
        row[stage] = Math.max(row[stage] as number, sum);
      }
      for (const value of ending.get(action) ?? []) {
        const made = stageOf[value] as number;
        live[made] = (live[made] as number) - (bytes[value] as number);
      }
    }
  }
  return peaks;
}

function measureKept(
  actions: Actions,
  stages: Segments,
  { first, last }: { readonly first: number; readonly last: number },
  during: Float64Array,
): KeptSegments {
  const { own, both, rest, given } = neededActions(actions, stages, first, last);
  return {
    own: costOf(actions, own),
    both: costOf(actions, both),
    rest: costOf(actions, rest),
    restActions: rest,
    given,
    ...peaksOfKept(actions, stages, { first, last }, during),
  };
}

function peaksOfKept(
  { reads, writes, bytes, scratch, inPlace }: Actions,
  stages: Segments,
  { first, last }: { readonly first: number; readonly last: number },
  during: Float64Array,
): Pick<KeptSegments, 'bytes' | 'peak' | 'backPeak'> {
  const { cuts, back, split, stageOf, lastForwardRead } = stages;
  const isOwn = (value: number) => (stageOf[value] as number) >= first && (stageOf[value] as number) <= last;
  const [start, end] = [back[last]?.start as number, back[first]?.end as number];
  const lastBack = new Map<number, number>();
  for (let action = start; action < end; action++) {
    for (const value of reads[action] as readonly number[]) if (isOwn(value)) lastBack.set(value, action);
  }
  const isKept = (value: number) => lastBack.has(value) || crosses(stages, value, last + 1);
  let [live, kept, peak] = [0, 0, 0];
  const ending = new Map<number, number>();
  for (let action = cuts[first] as number; action < (cuts[last + 1] as number); action++) {
    for (const value of writes[action] as readonly number[]) {
      const size = bytes[value] as number;
      live += size;
      if (isKept(value)) {
        kept += size;
        continue;
      }
      const until = Math.max(action, lastForwardRead[value] as number);
      ending.set(until, (ending.get(until) ?? 0) + size);
    }
    const spared = bytesInPlace(
      inPlace[action] as InPlace,
      bytes,
      (value) => lastForwardRead[value] === action && !lastBack.has(value) && isOwn(value),
      (value) => (lastForwardRead[value] as number) < action && !isKept(value),
    );
    peak = Math.max(peak, live + (scratch[action] as number) - spared);
    live -= ending.get(action) ?? 0;
  }
  let held = [...lastBack.keys()].reduce((sum, value) => sum + (bytes[value] as number), 0);
  let backPeak = 0;
  for (let action = start; action < end; action++) {
    backPeak = Math.max(backPeak, held + (during[action - split] as number));
    for (const value of reads[action] as readonly number[]) {
      if (lastBack.get(value) === action) held -= bytes[value] as number;
    }
  }
  return { bytes: kept, peak, backPeak };
}

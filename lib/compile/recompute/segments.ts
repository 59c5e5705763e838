import type { Actions } from './actions.js';

/** The numbers of stages that the search over a chain can take in. */
const MOST_STAGES = 96;

/** Up to so many, every action is a stage; of more, only what is dear, or keeps something for the backward pass, ends one. */
const FEW_STAGES = 48;

/** The part of the bytes kept for the backward pass that its smallest values may make up to count as nothing. */
const NEGLIGIBLE = 0.005;

/** A schedule as a chain: stages that run one after another, and the actions that go back through them. */
export interface Segments {
  /** The first action behind all stages. */
  readonly split: number;
  /** The first action of each stage, and behind them the split. */
  readonly cuts: readonly number[];
  /** The first action that goes back through each stage; `back[s] = end of stage s + 1`. The end of them all is `back[0]`'s. */
  readonly back: readonly { readonly start: number; readonly end: number }[];
  /** The stage that makes each value; -1 behind the split. */
  readonly stageOf: Int32Array;
  /** The last action before the split that reads each value; -1 where there is none. */
  readonly lastForwardRead: Int32Array;
  /** The first stage on the way back that reads each value; -1 where there is none. */
  readonly firstBack: Int32Array;
}

/**
 * Cuts a schedule into stages. The split is where most bytes wait to be read later: in a training step, where the backward
 * pass begins. Segments are single actions, or where there are too many of these, runs of them between which little memory
 * has to be held.
 */
export function findSegments(actions: Actions, mostStages = MOST_STAGES): Segments {
  const { reads, producer, bytes } = actions;
  const total = reads.length;
  const uses: number[][] = bytes.map(() => []);
  reads.forEach((values, action) => {
    for (const value of values) uses[value]?.push(action);
  });
  const split = findSplit(actions, uses);
  const lastForwardRead = Int32Array.from(uses, (list) => list.findLast((at) => at < split) ?? -1);
  const kept = bytes.map(
    (_, value) => (producer[value] as number) < split && (uses[value]?.at(-1) ?? -1) >= split,
  );
  const large = largeValues(bytes, kept);
  const positions = chooseCuts(actions, split, { lastForwardRead, kept: large }, mostStages);
  const cuts = [...positions, split];
  const stageOf = new Int32Array(bytes.length).fill(-1);
  for (let value = 0; value < bytes.length; value++) {
    const made = producer[value] as number;
    if (made < split) stageOf[value] = stageAt(cuts, made);
  }
  // What an action needs, all those before it still have to hold: so stages never come back.
  const furthest = new Int32Array(total - split).fill(-1);
  for (let action = total - 1, most = -1; action >= split; action--) {
    for (const value of reads[action] as readonly number[]) {
      if (large[value]) most = Math.max(most, stageOf[value] as number);
    }
    furthest[action - split] = most;
  }
  const back = positions.map((_, stage) => {
    const from = furthest.findIndex((most) => most <= stage);
    const to = furthest.findIndex((most) => most < stage);
    return { start: from < 0 ? total : split + from, end: to < 0 ? total : split + to };
  });
  const firstBack = Int32Array.from(uses, (list) => {
    const first = list.find((at) => at >= split);
    return first === undefined ? -1 : (furthest[first - split] as number);
  });
  return { split, cuts, back, stageOf, lastForwardRead, firstBack };
}

function findSplit({ reads, producer, bytes }: Actions, uses: readonly (readonly number[])[]): number {
  const total = reads.length;
  const change = new Float64Array(total + 1);
  bytes.forEach((size, value) => {
    const last = uses[value]?.at(-1);
    if (last === undefined) return;
    // Held across the positions behind the producer, up to the last reader.
    const from = (producer[value] as number) + 1;
    change[from] = (change[from] as number) + size;
    change[last + 1] = (change[last + 1] as number) - size;
  });
  let [best, most, held] = [total, 0, 0];
  for (let position = 0; position < total; position++) {
    held += change[position] as number;
    if (held > most) [best, most] = [position, held];
  }
  return best;
}

/** Which of the kept values count: all but the smallest, which are kept in any case. */
function largeValues(bytes: readonly number[], kept: readonly boolean[]): boolean[] {
  const order = bytes.map((_, value) => value).filter((value) => kept[value]);
  order.sort((a, b) => (bytes[a] as number) - (bytes[b] as number));
  let left = NEGLIGIBLE * order.reduce((sum, value) => sum + (bytes[value] as number), 0);
  const large = [...kept];
  for (const value of order) {
    left -= bytes[value] as number;
    if (left < 0) break;
    large[value] = false;
  }
  return large;
}

/** A stage, and the bytes that it makes for the backward pass. */
interface Segment {
  readonly first: number;
  saved: number;
}

/** The first actions of the stages. */
function chooseCuts(
  actions: Actions,
  split: number,
  { lastForwardRead, kept }: { lastForwardRead: Int32Array; kept: readonly boolean[] },
  mostStages: number,
): number[] {
  const { writes, bytes } = actions;
  const stages = Array.from({ length: split }, (_, first): Segment => {
    const made = writes[first] as readonly number[];
    return {
      first,
      saved: made.reduce((sum, value) => sum + (kept[value] ? (bytes[value] as number) : 0), 0),
    };
  });
  if (stages.length <= FEW_STAGES) return stages.map(({ first }) => first);
  const mean = actions.cost.slice(0, split).reduce((sum, cost) => sum + cost, 0) / split;
  const useful: Segment[] = [];
  stages.forEach((stage, i) => {
    const before = useful.at(-1);
    const isDear = (actions.cost[i - 1] as number) >= mean;
    if (before?.saved === 0 && !isDear) before.saved = stage.saved;
    else useful.push(stage);
  });
  const boundary = heldBetween(actions, split, lastForwardRead);
  while (useful.length > mostStages) mergeTwo(useful, boundary);
  return useful.map(({ first }) => first);
}

/** Joins the two stages that least is gained by telling apart: small ones, with much to hold in between. */
function mergeTwo(stages: Segment[], boundary: Float64Array): void {
  let [at, least] = [1, Number.POSITIVE_INFINITY];
  for (let i = 1; i < stages.length; i++) {
    const [left, right] = [stages[i - 1] as Segment, stages[i] as Segment];
    const score = (left.saved + right.saved + 1) / ((boundary[right.first] as number) + 1);
    if (score < least) [at, least] = [i, score];
  }
  const [merged] = stages.splice(at, 1) as [Segment];
  (stages[at - 1] as Segment).saved += merged.saved;
}

/** What the forward pass still reads, by the action before which it is held. */
function heldBetween({ bytes, producer }: Actions, split: number, lastForwardRead: Int32Array): Float64Array {
  const held = new Float64Array(split + 2);
  bytes.forEach((size, value) => {
    const from = (producer[value] as number) + 1;
    const to = (lastForwardRead[value] as number) + 1;
    if (to <= from) return;
    held[from] = (held[from] as number) + size;
    held[to] = (held[to] as number) - size;
  });
  for (let position = 1; position < held.length; position++) {
    held[position] = (held[position] as number) + (held[position - 1] as number);
  }
  return held;
}

function stageAt(cuts: readonly number[], action: number): number {
  let [low, high] = [0, cuts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((cuts[middle] as number) <= action) low = middle;
    else high = middle;
  }
  return low;
}

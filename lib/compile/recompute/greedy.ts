import { Uses } from '../liveness/uses.js';
import type { Actions } from './actions.js';
import { profileMemory } from './memory-profile.js';
import type { Sequence } from './sequence.js';

/** The actions that recompute a value at a place, instead of holding it across the peak. */
interface Return {
  readonly place: number;
  readonly actions: readonly number[];
  readonly worth: number;
}

/** Number of actions in a schedule per value that is dropped at a time. */
const ACTIONS_PER_VALUE = 150;

/**
 * Greedy search for any schedule: repeatedly drops, at the peak, the value with the lowest recomputation cost per byte,
 * or several of them in a long schedule. Returns the sequences on the way, from much memory to little.
 */
export function giveUpGreedily(start: Sequence, actions: Actions, most: number): Sequence[] {
  const found: Sequence[] = [];
  const together = Math.ceil(start.length / ACTIONS_PER_VALUE);
  const { peak: first } = profileMemory(start, actions);
  let sequence = start;
  let lowest = Number.POSITIVE_INFINITY;
  let patience = PATIENCE;
  for (let work = 0; work < SEARCH_WORK && patience > 0; work += sequence.length, patience--) {
    const { live, peak } = profileMemory(sequence, actions);
    if (peak < lowest - first / (2 * most)) {
      [lowest, patience] = [peak, PATIENCE];
      found.push(sequence);
    }
    const returns = returnsAtPeak(sequence, actions, live.indexOf(peak)).slice(0, together);
    if (returns.length === 0) break;
    sequence = withReturns(sequence, returns);
  }
  return found;
}

/** Limit on the work of the search: total number of places in the sequences it examines. */
const SEARCH_WORK = 2e6;

/** Iterations without much effect before the search ends: dropping more values then only moves the peak. */
const PATIENCE = 100;

function withReturns(sequence: Sequence, returns: readonly Return[]): Sequence {
  const at = new Map<number, number[]>();
  for (const { place, actions } of returns) at.set(place, [...(at.get(place) ?? []), ...actions]);
  return sequence.flatMap((action, place) => [...(at.get(place) ?? []), action]);
}

/** The returns of values that are held but not used at the peak, the most worthwhile first. */
function returnsAtPeak(sequence: Sequence, actions: Actions, peak: number): Return[] {
  const { reads, writes, bytes } = actions;
  const uses = new Uses(bytes.length);
  for (let place = sequence.length - 1; place > peak; place--) {
    const action = sequence[place] as number;
    uses.read(reads[action] as readonly number[], place);
    uses.write(writes[action] as readonly number[], place);
  }
  const atPeak = sequence[peak] as number;
  const used = new Set([...(reads[atPeak] ?? []), ...(writes[atPeak] ?? [])]);
  let furthest = -1;
  const done = Int32Array.from(sequence, (action) => {
    furthest = Math.max(furthest, action);
    return furthest;
  });
  const found: Return[] = [];
  for (let value = 0; value < bytes.length; value++) {
    const place = uses.next[value] as number;
    if (place < 0 || used.has(value)) continue;
    const back = returnOf(actions, uses, { value, place, peak, done: done[place - 1] as number });
    if (back) found.push(back);
  }
  return found.sort((a, b) => b.worth - a.worth || a.place - b.place);
}

/** Maximum number of actions that run again for one value. */
const MOST_ACTIONS = 64;

/**
 * The return of a value at a place, from live values or recomputed ones; undefined if it is impossible.
 *
 * @param uses the liveness behind the peak
 */
function returnOf(
  { reads, producer, repeatable, deadline, cost, bytes }: Actions,
  { last, written }: Uses,
  { value, place, peak, done }: { value: number; place: number; peak: number; done: number },
): Return | undefined {
  const actions = new Set<number>();
  let price = 0;
  const visit = (action: number): boolean => {
    if (actions.has(action)) return true;
    if (actions.size > MOST_ACTIONS || !repeatable[action] || done >= (deadline[action] as number))
      return false;
    for (const input of reads[action] as readonly number[]) {
      const again = written[input] as number;
      const isThere = (last[input] as number) > peak || (again >= 0 && again < place);
      if (!isThere && !visit(producer[input] as number)) return false;
    }
    actions.add(action);
    price += cost[action] as number;
    return true;
  };
  if (!visit(producer[value] as number)) return undefined;
  return { place, actions: [...actions], worth: (bytes[value] as number) / Math.max(1, price) };
}

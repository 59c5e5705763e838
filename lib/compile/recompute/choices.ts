import type { Actions } from './actions.js';
import { ChainSearch } from './chain.js';
import { giveUpGreedily } from './greedy.js';
import { fillUp, improve } from './improve.js';
import { asMarked } from './marked.js';
import { profileMemory } from './memory-profile.js';
import { neighboursOf } from './neighbours.js';
import { findSegments } from './segments.js';
import { extraCost, type Sequence } from './sequence.js';

/** A way to run a schedule. */
export interface Choice {
  readonly sequence: Sequence;
  /** The most bytes in use at once: no arena for it is smaller. */
  readonly peak: number;
  /** What its repetitions cost. */
  readonly extra: number;
}

/** Numbers of stages that chains are cut into at most: many small ones, or few of which memory is told more finely. */
const STAGES = [96, 48];

/** Actions of all sequences that a search gives, and how many these are at least and at most. */
const [ACTIONS_IN_ALL, FEWEST_CHOICES, MOST_CHOICES] = [40_000, 16, 128];

/**
 * Ways to run a schedule in less memory, by rising cost and falling memory. They do not depend on a budget: so a smaller
 * budget never gets a larger plan.
 */
export function searchChoices(actions: Actions): Choice[] {
  const count = actions.steps.length;
  const most = Math.max(
    FEWEST_CHOICES,
    Math.min(MOST_CHOICES, Math.round(ACTIONS_IN_ALL / Math.max(1, count))),
  );
  const plain = actions.steps.map((_, action) => action);
  if (count === 0) return [choiceOf(plain, actions)];
  const found = [
    plain,
    asMarked(actions),
    ...STAGES.flatMap((stages) => new ChainSearch(actions, findSegments(actions, stages)).sequences(most)),
    ...giveUpGreedily(plain, actions, most),
  ];
  const choices = found.map((sequence, i) =>
    choiceOf(i === 0 ? sequence : improve(sequence, actions), actions),
  );
  const between = withBetween(worthwhile(choices), actions);
  return count <= VERY_SHORT ? withNeighbours(between, actions) : between;
}

function choiceOf(sequence: Sequence, actions: Actions): Choice {
  return { sequence, peak: profileMemory(sequence, actions).peak, extra: extraCost(sequence, actions) };
}

/** Limits that are tried between two choices, and up to which choice above, in a schedule of up to so many actions. */
const [LIMITS_BETWEEN, PLACES_UP, QUITE_SHORT] = [4, 3, 128];

/** With choices in between: those of less memory, with what fits of more. */
function withBetween(choices: readonly Choice[], actions: Actions): Choice[] {
  const isShort = actions.steps.length <= QUITE_SHORT;
  const [limits, up] = isShort ? [LIMITS_BETWEEN, PLACES_UP] : [1, 1];
  const between = choices.flatMap(({ sequence, peak }, i) =>
    choices.slice(Math.max(0, i - up), i).flatMap((larger) =>
      Array.from({ length: limits }, (_, j) => {
        const limit = peak + ((larger.peak - peak) * (j + 1)) / (limits + 1);
        return choiceOf(fillUp(sequence, actions, limit), actions);
      }),
    ),
  );
  return worthwhile([...choices, ...between]);
}

/** Schedules of so many actions are searched around all choices, at most so often. */
const [VERY_SHORT, ROUNDS] = [48, 6];

/** With what is better among the neighbours of choices, and their neighbours. */
function withNeighbours(choices: readonly Choice[], actions: Actions): Choice[] {
  const looked = new Set<Choice>();
  let best = [...choices];
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = best.filter((choice) => !looked.has(choice));
    if (fresh.length === 0) break;
    for (const choice of fresh) looked.add(choice);
    const found = fresh.flatMap(({ sequence }) =>
      neighboursOf(sequence, actions).map((neighbour) => choiceOf(improve(neighbour, actions), actions)),
    );
    best = withBetween(worthwhile([...best, ...found]), actions);
  }
  return best;
}

/** Those for which there is none with less memory at no more cost. */
function worthwhile(choices: readonly Choice[]): Choice[] {
  const sorted = [...choices].sort((a, b) => a.extra - b.extra || a.peak - b.peak);
  let least = Number.POSITIVE_INFINITY;
  return sorted.filter(({ peak }) => {
    if (peak >= least) return false;
    least = peak;
    return true;
  });
}

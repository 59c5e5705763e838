import type { Actions } from './actions.js';
import { ChainSearch } from './chain.js';
import { giveUpGreedily } from './greedy.js';
import { fillUp, improve } from './improve.js';
import { asMarked } from './marked.js';
import { profileMemory } from './memory-profile.js';
import { neighboursOf } from './neighbours.js';
import { findSegments } from './segments.js';
import { extraCost, type Sequence } from './sequence.js';

/** A sequence that runs a schedule, with its peak and its cost. */
export interface Choice {
  readonly sequence: Sequence;
  /** The peak of the live bytes: no arena for it is smaller. */
  readonly peak: number;
  /** The cost of its recomputation. */
  readonly extra: number;
}

/** Maximum numbers of segments in a chain: many small ones, or fewer with a finer resolution of memory. */
const SEGMENT_LIMITS = [96, 48];

/** Total number of actions in all sequences of a search, and the fewest and most sequences. */
const [ACTIONS_IN_ALL, FEWEST_CHOICES, MOST_CHOICES] = [40_000, 16, 128];

/**
 * Finds sequences that run a schedule in less memory, by rising cost and falling memory. They do not depend on a
 * budget, so a smaller budget never gets a larger plan.
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
    ...SEGMENT_LIMITS.flatMap((limit) =>
      new ChainSearch(actions, findSegments(actions, limit)).sequences(most),
    ),
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

/**
 * In schedules of up to `QUITE_SHORT` actions: limits tried between two choices, and number of larger choices that each
 * one is paired with.
 */
const [LIMITS_BETWEEN, PLACES_UP, QUITE_SHORT] = [4, 3, 128];

/** Adds intermediate choices: those with less memory, without the repetitions that a larger limit makes unnecessary. */
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

/** Schedules of up to `VERY_SHORT` actions get a search around all choices, of at most `ROUNDS` rounds. */
const [VERY_SHORT, ROUNDS] = [48, 6];

/** Adds the better ones among the neighbours of choices, and in turn among theirs. */
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

/** The Pareto-optimal choices, by rising cost and falling memory. */
function worthwhile(choices: readonly Choice[]): Choice[] {
  const sorted = [...choices].sort((a, b) => a.extra - b.extra || a.peak - b.peak);
  let least = Number.POSITIVE_INFINITY;
  return sorted.filter(({ peak }) => {
    if (peak >= least) return false;
    least = peak;
    return true;
  });
}

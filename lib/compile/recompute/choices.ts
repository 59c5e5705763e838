import { at } from '../../graph/at.js';
import type { Actions } from './actions.js';
import { ChainSearch } from './chain.js';
import { giveUpGreedily } from './greedy.js';
import { fillUp, improve } from './improve.js';
import { asMarked } from './marked.js';
import { profileMemory } from './memory-profile.js';
import { findSegments } from './segments.js';
import { extraCost, type Sequence, withoutIdle } from './sequence.js';

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

/** The stages of the search: two that find sequences, and two that work on what was found. */
export const stages = ['chain', 'greedy', 'improve', 'fill'] as const;

export type Stage = (typeof stages)[number];

/**
 * Finds sequences that run a schedule in less memory, by rising cost and falling memory. They do not depend on a
 * budget, so a smaller budget never gets a larger plan.
 *
 * @param without stages to leave out, to measure what they bring
 */
export function searchChoices(actions: Actions, without: readonly Stage[] = []): Choice[] {
  const count = actions.steps.length;
  const most = Math.max(
    FEWEST_CHOICES,
    Math.min(MOST_CHOICES, Math.round(ACTIONS_IN_ALL / Math.max(1, count))),
  );
  const plain = actions.steps.map((_, action) => action);
  if (count === 0) return [choiceOf(plain, actions)];
  const runs = (stage: Stage) => !without.includes(stage);
  const chains = runs('chain') ? SEGMENT_LIMITS : [];
  const found = [
    asMarked(actions),
    ...chains.flatMap((limit) => new ChainSearch(actions, findSegments(actions, limit)).sequences(most)),
    ...(runs('greedy') ? giveUpGreedily(plain, actions, most) : []),
  ];
  const better = runs('improve') ? improve : withoutIdle;
  const choices = worthwhile([
    choiceOf(plain, actions),
    ...found.map((sequence) => choiceOf(better(sequence, actions), actions)),
  ]);
  return runs('fill') ? withBetween(choices, actions) : choices;
}

function choiceOf(sequence: Sequence, actions: Actions): Choice {
  return { sequence, peak: profileMemory(sequence, actions).peak, extra: extraCost(sequence, actions) };
}

/**
 * Adds choices between two neighbours: the one with less memory, without the repetitions that a limit half-way to the
 * other makes unnecessary.
 */
function withBetween(choices: readonly Choice[], actions: Actions): Choice[] {
  const between = choices.slice(1).map(({ sequence, peak }, i) => {
    const limit = (peak + at(choices, i).peak) / 2;
    return choiceOf(fillUp(sequence, actions, limit), actions);
  });
  return worthwhile([...choices, ...between]);
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

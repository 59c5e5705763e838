import type { Step } from '../plan.js';
import type { Value } from '../values.js';
import { type Actions, actionsOf, type StepCost } from './actions.js';
import { ChainSearch } from './chain.js';
import { giveUpGreedily } from './greedy.js';
import { improve } from './improve.js';
import { asMarked } from './marked.js';
import { profileMemory } from './memory-profile.js';
import { extraCost, type Sequence } from './sequence.js';
import { findStages } from './stages.js';

/** A way to run a schedule. */
export interface Choice {
  readonly sequence: Sequence;
  /** The most bytes in use at once: no arena for it is smaller. */
  readonly peak: number;
  /** What its repetitions cost. */
  readonly extra: number;
}

/** Numbers of stages that chains are cut into at most: many small ones, or few of which memory is told more finely. */
const STAGES = [120, 48];

/** Sequences that each search gives, for schedules of up to so many actions; fewer for longer ones. */
const [MOST_CHOICES, SHORT] = [96, 1500];

/**
 * Ways to run a schedule in less memory, by rising cost and falling memory. They do not depend on a budget: so a smaller
 * budget never gets a larger plan.
 */
export function findChoices(
  steps: readonly Step<Value>[],
  costOf?: StepCost,
): { actions: Actions; choices: Choice[] } {
  const actions = actionsOf(steps, costOf);
  const count = actions.steps.length;
  const most = Math.max(16, Math.round((MOST_CHOICES * Math.min(SHORT, count)) / Math.max(1, count)));
  const plain = actions.steps.map((_, action) => action);
  const found = [
    plain,
    asMarked(actions),
    ...STAGES.flatMap((stages) => new ChainSearch(actions, findStages(actions, stages)).sequences(most)),
    ...giveUpGreedily(plain, actions, most),
  ];
  const choices = found.map((sequence, i) =>
    choiceOf(i === 0 ? sequence : improve(sequence, actions), actions),
  );
  return { actions, choices: worthwhile(choices) };
}

export function choiceOf(sequence: Sequence, actions: Actions): Choice {
  return { sequence, peak: profileMemory(sequence, actions).peak, extra: extraCost(sequence, actions) };
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

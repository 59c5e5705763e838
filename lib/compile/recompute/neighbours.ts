import type { Actions } from './actions.js';
import { returnsAtPeak, withReturns } from './greedy.js';
import { profileMemory } from './memory-profile.js';
import { repeatsIn, type Sequence } from './sequence.js';

/** The sequences that drop one more of the values held across the peak, or have one repetition fewer. */
export function neighboursOf(sequence: Sequence, actions: Actions): Sequence[] {
  const { live, peak } = profileMemory(sequence, actions);
  const repeats = repeatsIn(sequence, actions.reads.length);
  const more = returnsAtPeak(sequence, actions, live.indexOf(peak)).map((back) =>
    withReturns(sequence, [back]),
  );
  const less = sequence.flatMap((_, place) =>
    repeats[place] ? [sequence.filter((_, other) => other !== place)] : [],
  );
  return [...more, ...less];
}

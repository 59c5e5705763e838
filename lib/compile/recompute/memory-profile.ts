import { visitLifetimes } from '../liveness/lifetimes.js';
import { LiveBytes, largest } from '../liveness/live-bytes.js';
import type { Actions } from './actions.js';
import type { Sequence } from './sequence.js';

/** Arena usage while a sequence runs. */
export interface MemoryProfile {
  /** The live bytes at each place of the sequence. */
  readonly live: Float64Array;
  /** The maximum of `live`: no arena can be smaller. */
  readonly peak: number;
}

/** Computes the live bytes at each place of a sequence. */
export function profileMemory(sequence: Sequence, actions: Actions): MemoryProfile {
  const { scratch, bytes } = actions;
  const memory = new LiveBytes(sequence.length);
  sequence.forEach((action, place) => {
    memory.add(scratch[action] as number, place, place);
  });
  visitLifetimes(sequence, actions, bytes.length, {
    lives: (value, first, last) => memory.add(bytes[value] as number, first, last),
    shares: (write, _, place) => memory.add(-(bytes[write] as number), place, place),
  });
  const live = memory.sums();
  return { live, peak: largest(live) };
}

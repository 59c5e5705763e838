import type { Actions } from './actions.js';
import { bytesInPlace, type InPlace } from './in-place.js';
import type { Sequence } from './sequence.js';

/** From the place of a sequence at which a value is written to the last one at which what was written is read. */
export interface Stay {
  readonly value: number;
  readonly first: number;
  readonly last: number;
}

/** What of the arena is in use while a sequence runs. */
export interface MemoryProfile {
  /** Bytes in use at each place of the sequence. */
  readonly live: Float64Array;
  /** The largest of them: no arena can be smaller. */
  readonly peak: number;
}

/** The bytes in use at each place of a sequence, as the arena's layout counts them. */
export function profileMemory(sequence: Sequence, actions: Actions): MemoryProfile {
  const { reads, writes, scratch, inPlace, bytes } = actions;
  const length = sequence.length;
  const lastRead = new Int32Array(bytes.length).fill(-1);
  // Changes between a place and the one before it.
  const change = new Float64Array(length + 1);
  const live = new Float64Array(length);
  for (let place = length - 1; place >= 0; place--) {
    const action = sequence[place] as number;
    let extra = scratch[action] as number;
    const own = reads[action] as readonly number[];
    for (const value of own) if ((lastRead[value] as number) < 0) lastRead[value] = place;
    extra -= bytesInPlace(
      inPlace[action] as InPlace,
      bytes,
      (value) => lastRead[value] === place,
      (value) => (lastRead[value] as number) < 0,
    );
    for (const value of writes[action] as readonly number[]) {
      const last = Math.max(place, lastRead[value] as number);
      change[place] = (change[place] as number) + (bytes[value] as number);
      change[last + 1] = (change[last + 1] as number) - (bytes[value] as number);
      lastRead[value] = -1;
    }
    live[place] = extra;
  }
  let sum = 0;
  let peak = 0;
  for (let place = 0; place < length; place++) {
    sum += change[place] as number;
    live[place] = sum + (live[place] as number);
    peak = Math.max(peak, live[place] as number);
  }
  return { live, peak };
}

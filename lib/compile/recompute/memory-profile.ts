import type { Actions } from './actions.js';
import { bytesInPlace, type InPlace } from './in-place.js';
import type { Sequence } from './sequence.js';

/** The liveness interval of a value in a sequence, from the place that writes it to the last one that reads it. */
export interface Stay {
  readonly value: number;
  readonly first: number;
  readonly last: number;
}

/** Arena usage while a sequence runs. */
export interface MemoryProfile {
  /** The live bytes at each place of the sequence. */
  readonly live: Float64Array;
  /** The maximum of `live`: no arena can be smaller. */
  readonly peak: number;
}

/** Computes the live bytes at each place of a sequence, by the rules of `findLifetimes`. */
export function profileMemory(sequence: Sequence, actions: Actions): MemoryProfile {
  const { reads, writes, scratch, inPlace, bytes } = actions;
  const length = sequence.length;
  const lastRead = new Int32Array(bytes.length).fill(-1);
  // The change of the live bytes from the place before.
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

/** An interval of places, both inclusive, in which a number of bytes are live. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** The sum of the bytes that are live at each place of an order. */
export class LiveBytes {
  /** The change from the place before. */
  readonly #change: Float64Array;

  constructor(places: number) {
    this.#change = new Float64Array(places + 1);
  }

  /** Adds bytes from a place to another, both inclusive; to none if `last` is before `first`. */
  add(bytes: number, first: number, last: number): void {
    if (last < first) return;
    const change = this.#change;
    change[first] = (change[first] as number) + bytes;
    change[last + 1] = (change[last + 1] as number) - bytes;
  }

  /** The sum at each place. */
  sums(): Float64Array {
    const sums = this.#change.slice(0, -1);
    let live = 0;
    for (let place = 0; place < sums.length; place++) {
      live += sums[place] as number;
      sums[place] = live;
    }
    return sums;
  }
}

/** The live bytes at each place. */
export function liveBytes(lifetimes: Iterable<Lifetime>, places: number): Float64Array {
  const live = new LiveBytes(places);
  for (const { bytes, first, last } of lifetimes) live.add(bytes, first, last);
  return live.sums();
}

/** The peak of the live bytes over all places. */
export function peakOf(lifetimes: Iterable<Lifetime>, places: number): number {
  return largest(liveBytes(lifetimes, places));
}

/** The largest of sums that are not negative; 0 if there are none. */
export function largest(sums: Float64Array): number {
  let most = 0;
  for (let place = 0; place < sums.length; place++) most = Math.max(most, sums[place] as number);
  return most;
}

/**
 * The liveness of numbered values along an order, found from its end to its beginning: at the place reached so far,
 * where what each value holds is read next and last. At each place, `read` comes before `write`.
 */
export class Uses {
  /** The next and the last place that reads what the value holds; -1 if there is none: the value is dead. */
  readonly next: Int32Array;
  readonly last: Int32Array;
  /** The next place that writes the value; -1 if there is none. */
  readonly written: Int32Array;

  constructor(values: number) {
    this.next = new Int32Array(values).fill(-1);
    this.last = new Int32Array(values).fill(-1);
    this.written = new Int32Array(values).fill(-1);
  }

  read(values: readonly number[], place: number): void {
    for (const value of values) {
      this.next[value] = place;
      if ((this.last[value] as number) < 0) this.last[value] = place;
    }
  }

  write(values: readonly number[], place: number): void {
    for (const value of values) {
      this.next[value] = -1;
      this.last[value] = -1;
      this.written[value] = place;
    }
  }
}

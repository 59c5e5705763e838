import { at } from '../../graph/at.js';
import { operandsOf } from '../plan/operands.js';
import type { Step } from '../plan/plan.js';
import { type Buffer, sameLayout, type Value } from '../plan/values.js';

/**
 * Checks the data flow of steps of which some were repeated: each of them reads, in each of its operands, what its
 * source reads in the original order, and every binding ends with the same contents. A failure is a bug in a pass.
 *
 * @param original the steps before recomputation
 * @param steps the steps with recomputation, which repeat steps of the original in buffers of their own
 * @param sources for each of `steps`, the original step that it was made of
 */
export function verifyRecomputation(
  original: readonly Step<Value>[],
  steps: readonly Step<Value>[],
  sources: readonly Step<Value>[],
): void {
  const numbers = new Map(original.map((step, index) => [step, index]));
  const versions = new Versions();
  const expected = new Memory(versions);
  const seen = original.map((step, index) => expected.run(step, index));
  const memory = new Memory(versions);
  steps.forEach((step, place) => {
    const source = at(sources, place);
    const number = numbers.get(source);
    const where = `step ${place} (${step.label})`;
    if (number === undefined) throw new Error(`verify: ${where} is made of a step that is not in the graph`);
    const [own, given] = [operandsOf(step), operandsOf(source)];
    if (!sameWindows(own.reads, given.reads) || !sameWindows(own.writes, given.writes)) {
      throw new Error(`verify: ${where} has other operands than step ${number}, which it is made of`);
    }
    const wanted = at(seen, number);
    memory.run(step, number).forEach((version, operand) => {
      if (version === at(wanted, operand)) return;
      throw new Error(
        `verify: ${where} reads ${versions.describe(version, original)} where step ${number} of the graph reads ` +
          versions.describe(at(wanted, operand), original),
      );
    });
  });
  for (const [binding, version] of expected.bindings()) {
    const found = memory.of({ kind: 'binding', index: binding });
    if (found === version) continue;
    throw new Error(
      `verify: binding ${binding} ends with ${versions.describe(found, original)} instead of ` +
        versions.describe(version, original),
    );
  }
}

function sameWindows(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => sameWindow(value, at(b, i)));
}

function sameWindow(a: Value, b: Value): boolean {
  return a.dtype === b.dtype && (a.layout === b.layout || sameLayout(a.layout, b.layout));
}

/** What a buffer held before any step. */
const INITIAL = 0;

/** Numbers for the contents of buffers: equal numbers were written by the same steps in the same order. */
class Versions {
  readonly #numbers = new Map<string, number>();
  readonly #writers: number[] = [-1];

  /** The contents after an original step writes a buffer, as its output of that number, over earlier contents. */
  after(before: number, step: number, output: number): number {
    const key = `${before} ${step} ${output}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#writers.push(step) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  describe(version: number, steps: readonly Step<Value>[]): string {
    if (version === INITIAL) return 'what no step has written';
    const writer = at(this.#writers, version);
    return `what step ${writer} (${at(steps, writer).label}) wrote`;
  }
}

/** The contents of all buffers while steps run. */
class Memory {
  readonly #arena = new Map<number, number>();
  readonly #bindings = new Map<number, number>();

  constructor(private readonly versions: Versions) {}

  of(buffer: Buffer): number {
    const found = buffer.kind === 'arena' ? this.#arena.get(buffer.id) : this.#bindings.get(buffer.index);
    return found ?? INITIAL;
  }

  /** The contents that a step reads, by operand; then it writes its outputs. */
  run(step: Step<Value>, number: number): number[] {
    const { reads, writes } = operandsOf(step);
    const seen = reads.map(({ buffer }) => this.of(buffer));
    writes.forEach(({ buffer }, output) => {
      const version = this.versions.after(this.of(buffer), number, output);
      if (buffer.kind === 'arena') this.#arena.set(buffer.id, version);
      else this.#bindings.set(buffer.index, version);
    });
    return seen;
  }

  bindings(): ReadonlyMap<number, number> {
    return this.#bindings;
  }
}

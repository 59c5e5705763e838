import type { Variable } from '../../graph/leaf.js';
import { type MemoryOf, ownMemory } from '../bind.js';
import { gatesOf } from './claim.js';
import { Gate } from './gate.js';
import { enter, enterNow, leave, requireReadable, type Uses } from './lock.js';
import { WholeCopies } from './whole-copies.js';

/** The variables of a plan, which its runs read as one whole step left them, and write alone. */
export class PlanAccess {
  readonly #uses: Uses;
  #copies: WholeCopies | undefined;

  constructor(
    private readonly op: string,
    variables: readonly Variable[],
    writes: readonly Variable[] = [],
  ) {
    const written = new Set(writes.map(({ storage }) => storage));
    this.#uses = { reads: variables.filter(({ storage }) => !written.has(storage)), writes };
  }

  /**
   * Runs a task once nobody writes what it reads or uses what it writes. Variables that worker threads are training are
   * read between two of their updates, if the task is short, and otherwise copied.
   */
  async run<R>(isShort: boolean, task: (memoryOf: MemoryOf) => R | Promise<R>): Promise<R> {
    const { reads, writes } = this.#uses;
    const gates = await enterWithGates(this.op, this.#uses);
    let held = this.#uses;
    try {
      if (gates.length === 0) return await task(ownMemory);
      let copied: MemoryOf;
      try {
        if (isShort) return await task(ownMemory);
        const trained = reads.filter((variable) => gatesOf([variable]).length > 0);
        copied = await this.#copiesOf(trained, gates).take();
        held = { reads: reads.filter((variable) => !trained.includes(variable)), writes };
        leave({ reads: trained, writes: [] });
      } finally {
        for (const gate of gates) gate.leave();
      }
      return await task(copied);
    } finally {
      leave(held);
    }
  }

  /** Runs a short task as `run` does, but at once. Returns undefined, and runs nothing, if it has to wait. */
  runNow<R>(task: (memoryOf: MemoryOf) => R): R | undefined {
    const uses = this.#uses;
    if (!enterNow(this.op, uses)) return undefined;
    let gates: readonly Gate[] | Gate = [];
    try {
      requireReadable(this.op, uses.writes);
      requireReadable(this.op, uses.reads);
      gates = enterGates(uses.reads);
      return gates instanceof Gate ? undefined : task(ownMemory);
    } finally {
      if (!(gates instanceof Gate)) for (const gate of gates) gate.leave();
      leave(uses);
    }
  }

  /** Gives back the memory of copies, which is otherwise kept until nobody trains the variables. */
  release(): void {
    this.#copies?.release();
    this.#copies = undefined;
  }

  #copiesOf(variables: readonly Variable[], gates: readonly Gate[]): WholeCopies {
    if (this.#copies?.isOf(variables, gates)) return this.#copies;
    this.release();
    this.#copies = new WholeCopies(variables, gates);
    return this.#copies;
  }
}

/**
 * Begins the uses, and enters the gates of the variables that worker threads train. Whoever waits for a gate uses nothing
 * meanwhile: a training that has failed may have to write before it opens the gate.
 *
 * @returns the gates, which must be left
 */
async function enterWithGates(op: string, uses: Uses): Promise<readonly Gate[]> {
  for (;;) {
    await enter(op, uses);
    let gates: readonly Gate[] | Gate;
    try {
      requireReadable(op, uses.writes);
      requireReadable(op, uses.reads);
      gates = enterGates(uses.reads);
    } catch (error) {
      leave(uses);
      throw error;
    }
    if (!(gates instanceof Gate)) return gates;
    leave(uses);
    await gates.opened();
  }
}

/**
 * Enters the gates of all variables or none, since the updates behind one may wait for a reader that waits for another.
 *
 * @returns the gates, or one that is closed
 */
function enterGates(variables: readonly Variable[]): readonly Gate[] | Gate {
  const gates = gatesOf(variables);
  const entered: Gate[] = [];
  for (const gate of gates) {
    if (gate.tryEnter()) {
      entered.push(gate);
      continue;
    }
    for (const other of entered) other.leave();
    return gate;
  }
  return gates;
}

/** Runs a short task on variables as one whole step left them. The task must not wait for anything. */
export function reading<R>(op: string, variables: readonly Variable[], task: () => R): Promise<R> {
  return new PlanAccess(op, variables).run(true, task);
}

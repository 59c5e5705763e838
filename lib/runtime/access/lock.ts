import { failed, invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { WriteClaim } from '../../graph/storage.js';
import { noteWrite } from './writes.js';

// Variables have many readers or one writer at a time. All of them begin on this thread, so that a few counts suffice;
// those of worker threads are a matter of `Gate`.

/** The variables that a call reads, and those that it writes. */
export interface Uses {
  readonly reads: readonly Variable[];
  readonly writes: readonly Variable[];
}

/** Calls that wait for others to end. */
let waiting: (() => void)[] = [];

/**
 * Waits until nobody writes the variables that are read, and nobody uses those that are written.
 *
 * @param own the claim on whose behalf variables are written
 * @returns when the uses have begun, which end with `leave`
 * @throws (rejects) if variables to be written are claimed or kept by another call
 */
export async function enter(op: string, uses: Uses, own?: WriteClaim): Promise<void> {
  while (isWritten(uses)) await changed();
  begin(op, uses, own);
  // Nobody else begins to read these by now.
  while (isRead(uses)) await changed();
}

/** Begins uses if none of them has to wait. Returns false if one has, and none has begun. */
export function enterNow(op: string, uses: Uses): boolean {
  if (isWritten(uses) || isRead(uses)) return false;
  begin(op, uses);
  return true;
}

function begin(op: string, uses: Uses, own?: WriteClaim): void {
  requireWritable(op, uses, own);
  for (const { storage } of uses.reads) storage.use.readers++;
  for (const { storage } of uses.writes) storage.use.writing = true;
}

export function leave({ reads, writes }: Uses): void {
  for (const { storage } of reads) storage.use.readers--;
  for (const { storage } of writes) storage.use.writing = false;
  noteWrite(writes);
  if (waiting.length === 0) return;
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}

/** Runs a task that writes variables, while nobody else uses them. */
export async function writing<R>(
  op: string,
  writes: readonly Variable[],
  task: () => R | Promise<R>,
  own?: WriteClaim,
): Promise<R> {
  const uses = { reads: [], writes };
  await enter(op, uses, own);
  try {
    return await task();
  } finally {
    leave(uses);
  }
}

/** How errors call a variable. */
export function nameOf(variable: Variable & { readonly path?: string }): string {
  return variable.path || 'a variable';
}

function changed(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function isWritten({ reads, writes }: Uses): boolean {
  for (const { storage } of reads) if (storage.use.writing) return true;
  for (const { storage } of writes) if (storage.use.writing) return true;
  return false;
}

function isRead({ writes }: Uses): boolean {
  return writes.some(({ storage }) => storage.use.readers > 0);
}

/** @throws for a variable whose values are not those of a whole step */
export function requireReadable(op: string, variables: readonly Variable[]): void {
  for (const variable of variables) {
    const { broken } = variable.storage.use;
    if (broken !== undefined)
      throw failed('ERR_CHAINRULE_WORKER_STUCK', op, `${nameOf(variable)} is not to be used: ${broken}`);
  }
}

/** A call that keeps a variable, other than one's own: one that is active, if there is any. */
export function otherKeeper(
  keepers: readonly WriteClaim[],
  own: WriteClaim | undefined,
): WriteClaim | undefined {
  const others = keepers.filter((keeper) => keeper !== own);
  return others.find(({ active }) => active) ?? others[0];
}

function requireWritable(op: string, { writes }: Uses, own: WriteClaim | undefined): void {
  for (const variable of writes) {
    const { claim, keepers } = variable.storage.use;
    const keeper = otherKeeper(keepers, own);
    if (keeper?.active)
      throw invalid(op, `${nameOf(variable)} is read by a call of ${keeper.op}; wait for its end`);
    if (claim === undefined || claim === own || !claim.active) continue;
    throw invalid(op, `${nameOf(variable)} is being trained by a call of ${claim.op}; wait for its end`);
  }
}

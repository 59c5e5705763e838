import type { Variable } from '../../graph/leaf.js';
import type { WriteClaim } from '../../graph/storage.js';
import { otherKeeper, writing } from '../../runtime/access/lock.js';
import { reading } from '../../runtime/access/plan-access.js';
import { copyInto, detachedFrom, type FlatParameters, moveInto } from './flat-parameters.js';

/**
 * Moves parameters and buffers into the flat memory, with their current values, if they are elsewhere. Those that another
 * call trains or keeps are copied instead, as one whole step left them.
 *
 * @param own the claim of the call that attaches them
 */
export async function attachParameters(op: string, flat: FlatParameters, own?: WriteClaim): Promise<void> {
  const detached = detachedFrom(flat);
  const foreign = detached.filter((variable) => isForeign(variable, own));
  if (foreign.length > 0) await reading(op, foreign, () => copyInto(flat, foreign));
  const free = detached.filter((variable) => !foreign.includes(variable));
  if (free.length > 0) await writing(op, free, () => moveInto(flat, free), own);
}

/** True unless a variable is in the memory of another owner, though no other call claims or keeps it. */
export function isAttached(flat: FlatParameters): boolean {
  return detachedFrom(flat).every((variable) => isForeign(variable, undefined));
}

function isForeign({ storage: { use } }: Variable, own: WriteClaim | undefined): boolean {
  return (use.claim !== undefined && use.claim !== own) || otherKeeper(use.keepers, own) !== undefined;
}

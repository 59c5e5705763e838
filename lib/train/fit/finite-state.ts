import { firstNotFinite, mustBeFinite } from '../../checkpoint/file.js';
import { type RunMemory, sourcesOf } from '../../checkpoint/tensor-sources.js';
import { isFloat } from '../../graph/dtype.js';
import { failed } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { AnyModule } from '../../nn/module.js';
import { isTrainable } from '../../optim/optimizer.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';
import { viewInto } from '../../parallel/protocol/shared-memory.js';
import { addon } from '../../runtime/addon.js';
import type { Session } from './session.js';

/** Elements that are measured on the main thread: a tenth of a millisecond, which is less than asking the workers. */
const FEW = 2 ** 20;

/**
 * Looks for parameters and optimiser state that an update has made non-finite from finite gradients, as a square that
 * overflows does.
 *
 * @returns the error that names the tensor; undefined if all values are finite
 */
export async function findNonFiniteState(
  session: Session,
  training: TrainingJob,
  memory: RunMemory,
  epoch: number,
): Promise<unknown> {
  if (await stateIsFinite(session, training)) return undefined;
  const found = firstNotFinite(sourcesOf(memory));
  if (!found) return undefined;
  const expected =
    `an update up to epoch ${epoch} overflowed: ${mustBeFinite(found)}, although loss and gradients were finite. ` +
    'Go on from a checkpoint, with a smaller learning rate or gradient clipping';
  return failed('ERR_CHAINRULE_NON_FINITE', 'fit', expected);
}

/**
 * Checks what a step reads but no update changes, before the first one: with it, every step would be a bad one. Buffers
 * may be infinite, as one that begins at infinity is.
 *
 * @throws with the name of a frozen parameter that is not finite, or of a buffer with NaN
 */
export function requireFiniteConstants(model: AnyModule): void {
  const infinite = ([, { dtype, storage, size }]: readonly [string, Variable]) =>
    isFloat(dtype) && addon().largest(storage.data, 0, size) === Number.POSITIVE_INFINITY;
  const frozen = model.namedParameters().filter(([, parameter]) => !isTrainable(parameter));
  const unknown = model
    .namedBuffers()
    .filter((entry) => infinite(entry) && entry[1].storage.data.some(Number.isNaN));
  const [found] = [...frozen.filter(infinite), ...unknown];
  if (!found) return;
  const [name, { shape }] = found;
  throw failed('ERR_CHAINRULE_NON_FINITE', 'fit', mustBeFinite({ name, shape }));
}

async function stateIsFinite(session: Session, training: TrainingJob): Promise<boolean> {
  const { state, stateMagnitudes } = training;
  const all = state.reduce((total, { elements }) => total + elements, 0);
  const here = () => state.map((memory) => addon().largest(viewInto(memory), 0, memory.elements));
  const there = async () => {
    await session.run((rank) => ({ kind: 'measure', rank }));
    return new Float64Array(stateMagnitudes);
  };
  // A worker that fails now is reported when it is needed again.
  const found = all <= FEW ? here() : await there().catch(here);
  return found.every(Number.isFinite);
}

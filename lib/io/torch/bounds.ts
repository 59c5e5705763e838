import { invalid } from '../../graph/errors.js';
import { isWhole, MOST_REPEATED, type TorchTensor } from './tensor.js';

/** How often the bytes of a file may be read, as for parameters that are tied under several names. */
const MOST_OFTEN = 8;

/**
 * Throws if tensors that are read in this order take many times the bytes of the file: since their elements overlap, or
 * since each is a little of a storage that is read anew.
 *
 * @param label what errors begin with
 */
export function requireBounded(label: string, tensors: Iterable<TorchTensor>): void {
  const sizes = new Map<unknown, number>();
  let asked = 0;
  let last: unknown;
  for (const tensor of tensors) {
    const { source } = tensor.storage;
    sizes.set(source, source.size);
    asked += tensor.bytes;
    if (isWhole(tensor)) continue;
    if (source !== last) asked += source.size;
    last = source;
  }
  const stored = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (asked > MOST_OFTEN * stored + MOST_REPEATED)
    throw invalid(
      label,
      `tensors overlap too often: to read the ${stored} bytes of their storages takes ${asked}`,
    );
}

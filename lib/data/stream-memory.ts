import { allocate, findDType } from '../graph/dtype.js';
import { type ChainruleError, failed, formatShape } from '../graph/errors.js';
import { dtypeFor, storedArray } from '../graph/number-arrays.js';
import { sizeOf } from '../graph/shapes.js';
import { Dataset } from './dataset.js';
import type { Field } from './field.js';
import { isStorable } from './storable.js';
import type { StreamDataset } from './stream.js';
import type { Form } from './transforms/program.js';

/** The items of a stream that are in memory, in two halves: one is filled while the other is used. */
export class StreamMemory extends Dataset {
  /** Number of items in one half. */
  readonly half: number;
  /** Maximum number of steps in an epoch; per-step memory is committed only as it is used. */
  readonly mostSteps = 2 ** 20;

  /** Number of items of an epoch, if the stream tells; undefined if some may be left out. */
  readonly items: number | undefined;

  constructor({ inputs, targets, transforms, length, onBadItem }: StreamDataset, half: number) {
    super(room(inputs, 2 * half), room(targets, 2 * half), transforms);
    this.half = half;
    this.items = onBadItem === 'error' ? length : undefined;
  }

  /**
   * Writes an item to a row.
   *
   * @param index number of the item in the stream, for errors
   * @throws ChainruleError if the item does not have the form that the stream declares
   */
  write(row: number, item: unknown, index: number): void {
    if (typeof item !== 'object' || item === null || !('inputs' in item) || !('target' in item))
      throw unfit(`item ${index} must be { inputs, target }`, item);
    put(this.inputs, row, item.inputs, `inputs of item ${index}`);
    put(this.targets, row, item.target, `the target of item ${index}`);
  }
}

function room({ dtype, shape }: Form, count: number): Field {
  return { dtype, shape, data: allocate(dtype, count * sizeOf(shape), { shared: true }) };
}

function put({ dtype, shape, data }: Field, row: number, value: unknown, name: string): void {
  const size = sizeOf(shape);
  if (ArrayBuffer.isView(value)) {
    const values = dtypeFor(value) && storedArray('stream', value, dtype);
    if (!values || values.length !== size) throw misfit(name, { dtype, shape }, value);
    // Numbers of the field's own dtype need no look at each.
    const fits = findDType(values) === dtype || values.every((number) => isStorable(dtype, number));
    if (!fits) throw misfit(name, { dtype, shape }, value);
    data.set(values, row * size);
    return;
  }
  const numbers: unknown[] = Array.isArray(value) ? value : [value];
  if (numbers.length !== size || !numbers.every((number) => isStorable(dtype, number)))
    throw misfit(name, { dtype, shape }, value);
  data.set(numbers as number[], row * size);
}

function misfit(name: string, { dtype, shape }: Form, value: unknown): ChainruleError {
  const numbers = sizeOf(shape) === 1 ? 'a number' : `${sizeOf(shape)} numbers`;
  return unfit(`${name} must be ${numbers} for ${dtype} ${formatShape(shape)}`, value);
}

function unfit(expected: string, received: unknown): ChainruleError {
  return failed('ERR_CHAINRULE_BAD_ITEM', 'stream', expected, { received });
}

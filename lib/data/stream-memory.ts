import { allocate, findDType } from '../graph/dtype.js';
import { type ChainruleError, failed, formatShape } from '../graph/errors.js';
import { dtypeFor, storedArray } from '../graph/number-arrays.js';
import { sizeOf } from '../graph/shapes.js';
import { mapStructure, nameAt, type Part, type Structure } from '../graph/structure.js';
import { columnsOn, of, type Side } from './columns.js';
import { Dataset } from './dataset.js';
import type { Field } from './field.js';
import { isStorable } from './storable.js';
import type { AnyStream } from './stream.js';
import { type Form, form } from './transforms/program.js';
import { isWeight } from './weights.js';

/** The items of a stream that are in memory, in two halves: one is filled while the other is used. */
export class StreamMemory extends Dataset<Structure<Field>, Structure<Field>> {
  /** Number of items in one half. */
  readonly half: number;
  /** Maximum number of steps in an epoch; per-step memory is committed only as it is used. */
  readonly mostSteps = 2 ** 20;

  /** Number of items of an epoch, if the stream tells; undefined if some may be left out. */
  readonly items: number | undefined;

  readonly #sides: readonly ItemSide[];

  constructor({ inputs, targets, weights, transforms, length, onBadItem }: AnyStream, half: number) {
    const rooms = (side: Structure<Form>) => mapStructure(side, form, (one) => room(one, 2 * half));
    super(rooms(inputs), rooms(targets), transforms, weights && rooms(weights));
    this.half = half;
    this.items = onBadItem === 'error' ? length : undefined;
    const { columns } = this.source;
    const sideOf = (side: Side, key: string) => {
      const names = columnsOn(columns, side);
      return new ItemSide(
        key,
        names.map((column) => [column.slice(side.length), of(columns, column)]),
      );
    };
    this.#sides = [sideOf('inputs', 'inputs'), sideOf('targets', 'target'), sideOf('weights', 'weight')];
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
    for (const side of this.#sides) side.write(row, item, index);
  }
}

/** The inputs, the target or the weight of items, and the fields that they are written to. */
class ItemSide {
  constructor(
    private readonly key: string,
    private readonly fields: readonly Part<Field>[],
  ) {}

  write(row: number, item: object, index: number): void {
    const given: unknown = Reflect.get(item, this.key);
    const [first] = this.fields;
    if (!first) {
      if (given === undefined) return;
      throw unfit(
        `item ${index} must have no ${this.key}, as the stream has no option ${this.key}s: true`,
        given,
      );
    }
    const isOne = first[0] === '';
    if (!isOne) this.#requireForm(given, index);
    for (const [place, field] of this.fields) {
      const value: unknown = isOne ? given : Reflect.get(given as object, nameAt(place));
      const name = nameIn(this.key + place, index);
      put(field, row, value, name);
      if (this.key === 'weight' && !isWeight(field.data[row] as number))
        throw unfit(`${name} must be a finite number of at least 0`, value);
    }
  }

  /** Checks that an item has the parts that the stream declares, and no others. */
  #requireForm(given: unknown, index: number): void {
    const names = this.fields.map(([place]) => nameAt(place));
    const isList = this.fields[0]?.[0].startsWith('[');
    const found = typeof given === 'object' && given !== null ? Object.keys(given) : [];
    const fits = Array.isArray(given) === isList && names.every((name) => found.includes(name));
    if (fits && found.length === names.length) return;
    const expected = isList ? `a list of ${names.length}` : `a record of ${names.join(', ')}`;
    const isRecordToo = !isList && found.length > 0 && !Array.isArray(given) && !ArrayBuffer.isView(given);
    throw unfit(
      `${nameIn(this.key, index)} must be ${expected}`,
      isRecordToo ? `a record of ${found.join(', ')}` : given,
    );
  }
}

function nameIn(name: string, index: number): string {
  return name === 'inputs' ? `inputs of item ${index}` : `the ${name} of item ${index}`;
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

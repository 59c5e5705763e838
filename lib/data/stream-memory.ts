import { allocate, findDType } from '../graph/dtype.js';
import { type ChainruleError, failed, formatShape } from '../graph/errors.js';
import { dtypeFor, storedArray } from '../graph/number-arrays.js';
import { sizeOf } from '../graph/shapes.js';
import { mapStructure, partsOf, type Structure } from '../graph/structure.js';
import { of } from './columns.js';
import { Dataset } from './dataset.js';
import type { Field } from './field.js';
import { isStorable } from './storable.js';
import type { AnyStream } from './stream.js';
import { type Form, form } from './transforms/program.js';

/** The items of a stream that are in memory, in two halves: one is filled while the other is used. */
export class StreamMemory extends Dataset<Structure<Field>, Structure<Field>> {
  /** Number of items in one half. */
  readonly half: number;
  /** Maximum number of steps in an epoch; per-step memory is committed only as it is used. */
  readonly mostSteps = 2 ** 20;

  /** Number of items of an epoch, if the stream tells; undefined if some may be left out. */
  readonly items: number | undefined;

  readonly #columns: readonly ItemColumn[];

  constructor({ inputs, targets, weights, transforms, length, onBadItem }: AnyStream, half: number) {
    const rooms = (side: Structure<Form>) => mapStructure(side, form, (one) => room(one, 2 * half));
    super(rooms(inputs), rooms(targets), transforms, weights && rooms(weights));
    this.half = half;
    this.items = onBadItem === 'error' ? length : undefined;
    const column = (side: string, key: string, place: string): ItemColumn => {
      return { key, place, field: of(this.source.columns, side + place) };
    };
    this.#columns = [
      ...partsOf(inputs, form).map(([place]) => column('inputs', 'inputs', place)),
      ...partsOf(targets, form).map(([place]) => column('targets', 'target', place)),
      ...(weights ? partsOf(weights, form).map(([place]) => column('weights', 'weight', place)) : []),
    ];
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
    for (const { key, place, field } of this.#columns) {
      const value = valueAt(item, key, place);
      const name = nameIn(key + place, index);
      put(field, row, value, name);
      if (
        key === 'weight' &&
        !((field.data[row] as number) >= 0 && field.data[row] !== Number.POSITIVE_INFINITY)
      )
        throw unfit(`${name} must be a finite number of at least 0`, value);
    }
    for (const key of new Set(this.#columns.map((column) => column.key)))
      this.#requireNoOther(item, key, index);
  }

  /** Checks that a side of an item has no values besides those that the stream declares. */
  #requireNoOther(item: object, key: string, index: number): void {
    const places = this.#columns.filter((column) => column.key === key).map(({ place }) => place);
    if (places[0] === '') return;
    const given: unknown = Reflect.get(item, key);
    const names = Object.keys(given as object).map((name) =>
      Array.isArray(given) ? `[${name}]` : `.${name}`,
    );
    const other = names.find((name) => !places.includes(name));
    if (other !== undefined)
      throw unfit(`item ${index} must have no ${key} besides ${list(key, places)}`, key + other);
  }
}

/** Where the values of a column stand in an item. */
interface ItemColumn {
  readonly key: string;
  /** Place in a list or a record of values. */
  readonly place: string;
  readonly field: Field;
}

function nameIn(name: string, index: number): string {
  return name === 'inputs' ? `inputs of item ${index}` : `the ${name} of item ${index}`;
}

function list(key: string, places: readonly string[]): string {
  return places.map((place) => key + place).join(', ');
}

/** The value at a place of an item; undefined if there is none. */
function valueAt(item: object, key: string, place: string): unknown {
  const side: unknown = Reflect.get(item, key);
  if (place === '') return side;
  if (typeof side !== 'object' || side === null || Array.isArray(side) !== place.startsWith('['))
    return undefined;
  const name = place.startsWith('[') ? place.slice(1, -1) : place.slice(1);
  return Object.hasOwn(side, name) ? Reflect.get(side, name) : undefined;
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

import { checked } from './arguments/checked.js';
import { either, type Kind, kind, optional, requireKind } from './arguments/kind.js';
import * as kinds from './arguments/kinds.js';
import { optionsOf } from './arguments/options.js';
import { allocate, type DType, dtypeOf, isFloat, requireDType, type TypedArray } from './dtype.js';
import { formatShape, invalid, requireInteger } from './errors.js';
import { type NumberArray, storedArray } from './number-arrays.js';
import type { OpRecord } from './op.js';
import { requireShape, type Shape, sizeOf } from './shapes.js';
import { Storage } from './storage.js';
import { Tensor } from './tensor.js';

export interface InputAttributes {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Computes the value of a scalar input on the host before each run. */
  readonly provider?: () => number;
}

/** A value that the caller supplies for each run. */
export const inputOp: OpRecord<InputAttributes> = {
  kind: 'input',
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  grad: null,
  kernel: { family: 'leaf' },
  cost: () => 0,
};

/** A placeholder for a value that the caller supplies for each run. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor<InputAttributes> {
  return new Tensor(inputOp, [], { name, shape: requireShape('input', shape), dtype });
}

/** A float64 scalar that the host computes before each run: a learning rate, a step count. */
export function hostScalar(name: string, provider: () => number): Tensor<InputAttributes> {
  return new Tensor(inputOp, [], { name, shape: [], dtype: 'float64', provider });
}

export interface VariableAttributes {
  readonly storage: Storage;
}

/** A value that persists across runs and can be assigned. */
export const variableOp: OpRecord<VariableAttributes> = {
  kind: 'variable',
  type: (_, { storage }) => ({ shape: storage.shape, dtype: storage.dtype }),
  grad: null,
  kernel: { family: 'leaf' },
  cost: () => 0,
};

/** A leaf over shared memory whose value persists across runs. */
export class Variable extends Tensor<VariableAttributes> {
  constructor(storage: Storage) {
    requireKind('Variable', 'storage', kinds.instance(Storage, 'a storage'), storage);
    super(variableOp, [], { storage });
  }

  get storage(): Storage {
    return this.attributes.storage;
  }
}

export interface ConstantAttributes {
  readonly shape: Shape;
  readonly dtype: DType;
  /** A single number is the value of every element. */
  readonly value: number | TypedArray;
}

/** A value known when the graph is built. */
export const constantOp: OpRecord<ConstantAttributes> = {
  kind: 'constant',
  type: (_, { shape, dtype }) => ({ shape, dtype }),
  grad: null,
  kernel: { family: 'leaf' },
  cost: () => 0,
};

/** Nested lists of numbers, one level per axis. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Options of `tensor`. */
export interface TensorOptions {
  /** Default: the nesting of the arrays; a typed array has one axis. */
  readonly shape?: Shape;
  /** Default float32, or the dtype of a typed array. */
  readonly dtype?: DType;
  /** The values themselves, so that a part of a batch serves as options: `tensor(inputs.data, inputs)`. */
  readonly data?: NumberArray;
}

const tensorOptions = optionsOf<TensorOptions>({
  shape: kinds.shape,
  dtype: kinds.dtype,
  data: kind('the values themselves', ArrayBuffer.isView),
});

const numbers: Kind<NestedNumbers | NumberArray> = kind(
  'numbers, arrays of them or a typed array',
  (value) => typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value),
);

/**
 * A constant tensor from a number, nested arrays, or a typed array with a shape.
 *
 * @param dtype defaults to float32, or to the dtype of a typed array; that of an Int8, Int16 or Uint16 array is int32,
 *   that of a Uint8Clamped array uint8, and that of a Uint32, BigInt64 or BigUint64 array int32 if the values fit
 * @throws when the arrays are ragged, the shape does not fit, or an integer dtype cannot hold a value
 */
export const tensor = checked(
  'tensor',
  { values: numbers, options: optional(tensorOptions) },
  (values: NestedNumbers | NumberArray, { shape, dtype }: TensorOptions = {}): Tensor => {
    if (ArrayBuffer.isView(values)) {
      const stored = storedArray('tensor', values, dtype);
      const given = dtype ?? dtypeOf(stored);
      const expected = requireShape('tensor', shape ?? [stored.length]);
      if (sizeOf(expected) !== stored.length) {
        throw invalid(
          'tensor',
          `shape ${formatShape(expected)} needs ${sizeOf(expected)} values`,
          stored.length,
        );
      }
      const data = allocate(given, stored.length);
      fill(data, given, stored);
      return constant(data, expected, given);
    }
    const found = nestedShape(values);
    const flat: number[] = [];
    flatten(values, found, 0, flat);
    const data = allocate(dtype ?? 'float32', flat.length);
    fill(data, dtype ?? 'float32', flat);
    const wanted = requireShape('tensor', shape ?? found);
    if (sizeOf(wanted) !== flat.length) {
      throw invalid('tensor', `shape ${formatShape(wanted)} needs ${sizeOf(wanted)} values`, flat.length);
    }
    return constant(data, wanted, dtype ?? 'float32');
  },
);

/** A constant over memory that nobody else writes to. */
export function constant(data: TypedArray, shape: Shape, dtype: DType): Tensor<ConstantAttributes> {
  return new Tensor(constantOp, [], { shape, dtype, value: data });
}

/** True for an argument of a function, or a number that the host provides. */
export function isInput(node: Tensor): node is Tensor<InputAttributes> {
  return node.op === inputOp;
}

/** True for a constant whose elements are all one number. It takes no memory. */
export function isNumber(node: Tensor): boolean {
  return node.op === constantOp && typeof (node.attributes as ConstantAttributes).value === 'number';
}

/** The elements of a constant that are stored in memory; undefined for any other node. */
export function storedValue(node: Tensor): TypedArray | undefined {
  if (node.op !== constantOp) return undefined;
  const { value } = node.attributes as ConstantAttributes;
  return typeof value === 'number' ? undefined : value;
}

/** The number that fills a constant for which `isNumber` is true. */
export function numberOf(node: Tensor): number {
  return (node.attributes as ConstantAttributes).value as number;
}

/** True for a constant whose elements are all `value`. */
export function equalsNumber(node: Tensor, value: number): boolean {
  return isNumber(node) && numberOf(node) === value;
}

/** Checks that the dtype can hold a number: any number for floats, whole numbers in range for other dtypes. */
export function requireValue(op: string, value: number, dtype: DType): number {
  requireDType(op, dtype);
  const held = isFloat(dtype) || allocate(dtype, 1).fill(value)[0] === value;
  if (!held || (dtype === 'bool' && value > 1)) throw invalid(op, `value must be a ${dtype} number`, value);
  return value;
}

/** `full` for arguments that have been checked, with the name of the op in errors. */
export function filled(shape: Shape, value: number, dtype: DType, op: string): Tensor {
  requireValue(op, value, dtype);
  return new Tensor(constantOp, [], { shape: requireShape(op, shape), dtype, value });
}

/** A tensor whose elements are all `value`. Takes no memory. */
export const full = checked(
  'full',
  { shape: kinds.shape, value: kinds.number, dtype: optional(kinds.dtype) },
  (shape: Shape, value: number, dtype: DType = 'float32'): Tensor => filled(shape, value, dtype, 'full'),
);

/** A tensor of zeros. */
export const zeros = checked(
  'zeros',
  { shape: kinds.shape, dtype: optional(kinds.dtype) },
  (shape: Shape, dtype: DType = 'float32'): Tensor => filled(shape, 0, dtype, 'zeros'),
);

/** A tensor of ones. */
export const ones = checked(
  'ones',
  { shape: kinds.shape, dtype: optional(kinds.dtype) },
  (shape: Shape, dtype: DType = 'float32'): Tensor => filled(shape, 1, dtype, 'ones'),
);

interface Arange {
  (length: number, dtype?: DType): Tensor;
  (start: number, end: number, step?: number, dtype?: DType): Tensor;
}

/**
 * The numbers 0, 1, ..., `length - 1`, or those from `start` up to but excluding `end` in steps of `step` (default 1).
 */
export const arange: Arange = checked(
  'arange',
  {
    start: kinds.finite,
    end: optional(either(kinds.finite, kinds.dtype)),
    step: optional(kinds.finite),
    dtype: optional(kinds.dtype),
  },
  (first: number, second?: number | DType, step?: number, dtype?: DType): Tensor =>
    typeof second === 'number'
      ? range(first, second, step, dtype)
      : range(0, requireInteger('arange', 'length', first, { min: 0 }), step, second),
);

function range(start: number, end: number, step = 1, dtype: DType = 'float32'): Tensor {
  if (step === 0) throw invalid('arange', 'step must not be 0', step);
  return sequence('arange', Math.max(0, Math.ceil((end - start) / step)), (i) => start + i * step, dtype);
}

/** `count` evenly spaced numbers from `start` to `end`, both included. */
export const linspace = checked(
  'linspace',
  { start: kinds.finite, end: kinds.finite, count: kinds.index, dtype: optional(kinds.dtype) },
  (start: number, end: number, count: number, dtype: DType = 'float32'): Tensor => {
    const step = count > 1 ? (end - start) / (count - 1) : 0;
    // Counted from both ends, so that the last number is exactly `end`.
    const at = (i: number) => (i < count / 2 ? start + i * step : end - (count - 1 - i) * step);
    return sequence('linspace', count, at, dtype);
  },
);

function sequence(op: string, length: number, at: (i: number) => number, dtype: DType): Tensor {
  requireDType(op, dtype);
  if (length > 0) requireValue(op, at(length - 1), dtype);
  const data = allocate(dtype, length);
  for (let i = 0; i < length; i++) {
    data[i] = at(i);
    if (!isFloat(dtype) && data[i] !== at(i)) requireValue(op, at(i), dtype);
  }
  return constant(data, [length], dtype);
}

/** More than any model needs; an array that holds itself has no end. */
const MOST_AXES = 64;

function nestedShape(values: NestedNumbers): number[] {
  const shape: number[] = [];
  let level: unknown = values;
  while (Array.isArray(level) || isTypedArray(level)) {
    if (shape.length === MOST_AXES) throw invalid('tensor', `values may be nested ${MOST_AXES} deep`, values);
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function flatten(values: NestedNumbers, shape: Shape, axis: number, out: number[]): void {
  if (axis === shape.length) {
    if (typeof values !== 'number') throw invalid('tensor', 'values must be numbers nested evenly', values);
    out.push(values);
    return;
  }
  if (typeof values !== 'object' || values === null || values.length !== shape[axis]) {
    throw invalid('tensor', `every list on axis ${axis} must have ${shape[axis]} entries`, values);
  }
  for (const value of values) flatten(value, shape, axis + 1, out);
}

function fill(data: TypedArray, dtype: DType, values: ArrayLike<number>): void {
  const integral = dtype !== 'float32' && dtype !== 'float64';
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    data[i] = value;
    if (integral && data[i] !== value) {
      throw invalid('tensor', `value at position ${i} must be a ${dtype} number`, value);
    }
  }
}

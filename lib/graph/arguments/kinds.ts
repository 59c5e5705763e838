import { enumerate } from '../../text/names.js';
import { type DType, dtypes, isDType } from '../dtype.js';
import { describeRange, type IntegerRange } from '../errors.js';
import type { Shape } from '../shapes.js';
import { Tensor } from '../tensor.js';
import { isRecord } from './is-record.js';
import { either, type Kind, kind, listOf } from './kind.js';

// The kinds of values that public functions take.

export const tensor: Kind<Tensor> = kind('a tensor', (value) => value instanceof Tensor);
export const tensors: Kind<readonly Tensor[]> = listOf(tensor, 'tensors');
/** An operand of an element-wise function: a number adopts the dtype of the other operand. */
export const operand: Kind<Tensor | number> = kind(
  'a tensor or a number',
  (value) => typeof value === 'number' || value instanceof Tensor,
);

export const boolean: Kind<boolean> = kind('true or false', (value) => typeof value === 'boolean');
/** Any number, NaN and the infinities included. */
export const number: Kind<number> = kind('a number', (value) => typeof value === 'number');
export const finite: Kind<number> = kind('a finite number', (value) => Number.isFinite(value));
export const nonNegative: Kind<number> = kind(
  'a non-negative number',
  (value) => Number.isFinite(value) && (value as number) >= 0,
);
export const positive: Kind<number> = kind(
  'a positive number',
  (value) => Number.isFinite(value) && (value as number) > 0,
);
/** A share of a whole that is less than all of it: a decay, a momentum. */
export const share: Kind<number> = kind(
  'at least 0 and less than 1',
  (value) => Number.isFinite(value) && (value as number) >= 0 && (value as number) < 1,
);
export const fraction: Kind<number> = kind(
  'from 0 to 1',
  (value) => Number.isFinite(value) && (value as number) >= 0 && (value as number) <= 1,
);
export const none: Kind<null> = kind('null', (value) => value === null);
export const string: Kind<string> = kind('a string', (value) => typeof value === 'string');
export const date: Kind<Date> = kind('a date', (value) => value instanceof Date);

/** An integer within an inclusive range; any safe integer by default. */
export function integer(range: IntegerRange = {}): Kind<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
  return kind(
    describeRange(range),
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  );
}

export const count: Kind<number> = integer({ min: 1 });
export const index: Kind<number> = integer({ min: 0 });
export const axis: Kind<number> = integer();
export const axes: Kind<number | readonly number[]> = either(axis, listOf(axis, 'integers'));
/** The shape of one sample, which is not empty. */
export const sampleShape: Kind<Shape> = listOf(count, 'positive integers');
/** The text differs from a list of counts, because an axis may be empty. */
export const shape: Kind<Shape> = listOf(index, 'non-negative integers');
export const dtype: Kind<DType> = kind(`one of ${dtypes.join(', ')}`, isDType);

/** One of some strings. */
export function oneOf<const T extends string>(...names: readonly T[]): Kind<T> {
  const quoted = names.map((name) => `'${name}'`);
  return kind(enumerate(quoted, 'or'), (value) => names.includes(value as T));
}

/** A function, which the error describes: `a function that returns a tensor`. */
export function callback<T extends (...args: never[]) => unknown>(description = 'a function'): Kind<T> {
  return kind(description, (value) => typeof value === 'function' && !isClass(value));
}

/** An instance of a class. */
export function instance<T>(type: abstract new (...args: never[]) => T, description: string): Kind<T> {
  return kind(description, (value) => value instanceof type);
}

/** An object whose fields all have one kind: figures by name. */
export function recordOf<T>(inner: Kind<T>, description: string): Kind<Readonly<Record<string, T>>> {
  const entries = (value: unknown) => (isRecord(value) ? Object.values(value) : undefined);
  return kind(description, (value) => entries(value)?.every((entry) => inner.accepts(entry)) ?? false);
}

/** An object with these fields at least: a report, to which its owner may have added others. */
export function withFields<T>(
  description: string,
  fields: { readonly [K in keyof T]?: Kind<unknown> },
): Kind<T> {
  const known = Object.entries<Kind<unknown> | undefined>(fields);
  return kind(
    description,
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      known.every(([name, field]) => field?.accepts(value[name as keyof typeof value])),
  );
}

/** A value that is checked where it is used, with the words that say what it should be. */
export function anything<T>(description: string): Kind<T> {
  return kind(description, () => true);
}

function isClass(value: object): boolean {
  return Function.prototype.toString.call(value).match(/^class[\s{]/) !== null;
}

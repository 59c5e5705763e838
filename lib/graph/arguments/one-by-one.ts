import { invalid } from '../errors.js';
import { rest } from './checked.js';
import { either, listOf } from './kind.js';
import { axis } from './kinds.js';

/** Integers given in one list or one by one: `reshape(x, [-1, 3])` or `reshape(x, -1, 3)`. */
export type OneByOne = (number | readonly number[])[];

/** The kind of `OneByOne`, as the last parameter. */
export const oneByOne = rest(either(axis, listOf(axis, 'integers')));

/** The list that the integers make. */
export function inOneList(op: string, name: string, given: OneByOne): readonly number[] {
  const [first] = given;
  if (given.length === 1 && typeof first === 'object') return first;
  if (given.length > 0 && given.every((entry) => typeof entry === 'number'))
    return given as readonly number[];
  throw invalid(op, `${name} must be integers, in one list or one by one`, given);
}

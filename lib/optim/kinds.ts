import { type Kind, kind, listOf } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { Variable } from '../graph/leaf.js';

// The kinds of values that optimisers take.

/** Decays of two running means. */
export const betas: Kind<readonly [number, number]> = kind(
  'two numbers, each at least 0 and less than 1',
  (value) => Array.isArray(value) && value.length === 2 && [...value].every(kinds.share.accepts),
);

/** Steps at which something changes. */
export const milestones: Kind<readonly number[]> = kind(
  'non-negative integers in rising order',
  (value) =>
    Array.isArray(value) && [...value].every((at, i) => kinds.index.accepts(at) && !(at <= value[i - 1])),
);

export const variables: Kind<readonly Variable[]> = listOf(
  kinds.instance(Variable, 'a variable'),
  'variables',
);

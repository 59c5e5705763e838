// Where code asks which op a node has: the files that may, and why. All other code reads the properties in the op's
// record, so that a new op is known everywhere at once.

/** @type {Readonly<Record<string, string>>} */
export const askers = {
  'lib/graph/leaf.ts': 'defines the ops of leaves, and tells which leaf a node is',
  'lib/ops/primitives/scan/scan-sums.ts': 'sums over the steps of a loop what its own gradient rules built',
  'lib/ops/primitives/scan/scan-split.ts':
    'takes apart the sums of slices that reads of a loop leave as its gradient',
  'lib/compile/rewrite/join-slices.ts': 'finds the sums of zero-padded slices',
  'lib/compile/rewrite/slice-sum.ts': 'rewrites them to concatenations, and so builds these ops',
  'lib/compile/rewrite/simplify.ts': 'hands sums to the rewrite of slices',
  'lib/compile/rewrite/affine.ts':
    'computes with the coefficients of sums, differences, products and quotients',
  'lib/compile/rewrite/prune.ts': 'moves slices of a loop that loses results',
  'lib/gradcheck/culprit.ts': 'names a custom gradient as its author did, and looks at its arguments',
  'lib/port/hypotheses/before.ts': 'finds concatenations, whose parts may be in another order',
  'lib/health/trace-batch.ts': 'reports the units of relu that are dead, which only this op has',
};

/**
 * The files that read the name of an op, and what for: to show it, or as a part of a key.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const namers = {
  'lib/graph/tensor.ts': 'prints a node',
  'lib/ops/primitives/backward.ts': 'says whose gradient rule failed',
  'lib/ops/primitives/elementwise.ts': 'says whose operands are wrong',
  'lib/ops/primitives/elementwise-record.ts': 'says whose operands are wrong',
  'lib/ops/primitives/table.ts': 'lists the records by name',
  'lib/compile/rewrite/simplify.ts': 'finds common subexpressions by a key of op and inputs',
  'lib/compile/lower/lower.ts': 'labels a step',
  'lib/gradcheck/culprit.ts': 'names the ops that cut a gradient',
  'lib/runtime/non-finite.ts': 'names the op that made a number that is not finite',
  'lib/port/hypotheses/before.ts': 'names the op that a port has too many before a layer',
  'lib/port/hypotheses/after.ts': 'names the op that a port has too many at the end of a layer',
  'lib/train/fit/fingerprint/graph-digest.ts': 'tells graphs apart by a digest of their ops',
  'lib/train/prepare/mixed-shapes.ts': 'names the op that broadcasts outputs against targets',
};

/** A record compared with another value: `op === reluOp`, `[addOp].includes(node.op)`, `switch (node.op)`. */
const asked =
  /\bop\b\s*[!=]==\s*\w+Op\b|\b\w+Op\b\s*[!=]==|[!=]==\s*\w+Op\b|\bincludes\(\s*[\w.]*\bop\s*\)|\bhas\(\s*[\w.]*\bop\s*\)|switch\s*\([\w.]*\bop\s*\)/;

/** The name of an op: `node.op.kind`, `record.kind`, `{ kind } = node.op`. */
const named = /\b(?:op|record)\??\.kind\b|\{[^{}]*\bkind\b[^{}]*\}\s*=\s*[\w.]*\bop\b/;

/**
 * Sources that ask which op a node has, or read an op's name, without a reason, and reasons without a source.
 *
 * @param {Iterable<readonly [path: string, text: string]>} sources
 * @param {Readonly<Record<string, string>>} askers
 * @param {Readonly<Record<string, string>>} readers
 */
export function* opComparisons(sources, askers, readers) {
  const [asking, naming] = [new Set(), new Set()];
  for (const [path, text] of sources) {
    if (asked.test(text)) asking.add(path);
    if (named.test(text)) naming.add(path);
  }
  const list = 'scripts/architecture/op-comparisons.mjs';
  for (const path of asking) {
    if (!(path in askers))
      yield `${path} asks for an op: read a property of its record, or give the reason in ${list}`;
  }
  for (const path of naming) {
    if (!(path in readers))
      yield `${path} reads the name of an op: read a property of its record, or give the reason in ${list}`;
  }
  for (const path of Object.keys(askers))
    if (!asking.has(path)) yield `${path} asks for no op any more, but stands in ${list}`;
  for (const path of Object.keys(readers))
    if (!naming.has(path)) yield `${path} names no op any more, but stands in ${list}`;
}

// Where code asks which op a node has: the files that may, and why. All other code reads the properties in the op's
// record, so that a new op is known everywhere at once. Names of ops are never compared, only records.

/** @type {Readonly<Record<string, string>>} */
export const reasons = {
  'lib/graph/leaf.ts': 'defines the ops of leaves, and tells which leaf a node is',
  'lib/ops/primitives/scan/scan-sums.ts': 'sums over the steps of a loop what its own gradient rules built',
  'lib/ops/primitives/scan/scan-split.ts':
    'takes apart the sums of slices that reads of a loop leave as its gradient',
  'lib/compile/rewrite/join-slices.ts':
    'rewrites sums of zero-padded slices to concatenations, and so builds these ops',
  'lib/compile/rewrite/simplify.ts': 'hands sums to the rewrite of slices',
  'lib/compile/rewrite/prune.ts': 'moves slices of a loop that loses results',
  'lib/gradcheck/culprit.ts': 'names a custom gradient as its author did, and looks at its arguments',
  'lib/health/trace-batch.ts': 'reports the units of relu that are dead, which only this op has',
};

/**
 * Comparisons of an op's name, and comparisons of ops in a file without a reason.
 *
 * @param {Iterable<readonly [path: string, text: string]>} sources
 * @param {Readonly<Record<string, string>>} allowed
 */
export function* opComparisons(sources, allowed) {
  const used = new Set();
  for (const [path, text] of sources) {
    for (const [number, line] of text.split('\n').entries()) {
      const place = `${path}:${number + 1}`;
      if (/\bop\.kind\s*[!=]==|\.includes\([\w.]*\bop\.kind\)|switch \([\w.]*\bop\.kind\)/.test(line))
        yield `${place} compares the name of an op: read a property of its record`;
      if (!/\bop\s*[!=]==\s*\w+Op\b/.test(line)) continue;
      used.add(path);
      if (!(path in allowed))
        yield `${place} asks for an op: read a property of its record, or give the reason in op-comparisons.mjs`;
    }
  }
  for (const path of Object.keys(allowed)) {
    if (!used.has(path)) yield `${path} asks for no op any more, but stands in op-comparisons.mjs`;
  }
}

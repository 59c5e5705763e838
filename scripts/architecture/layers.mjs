// The layers of the sources, from the top to the bottom: the one place that says what may import what. A folder imports from
// layers further down, and nothing from its own layer but itself. A path with `*` at its end is all that lies below it.

/** @type {readonly (readonly string[])[]} */
export const layers = [
  ['bench', 'examples'],
  ['lib/cli'],
  ['lib/index.ts'],
  ['lib/preflight'],
  ['lib/train'],
  ['lib/profile', 'lib/checkpoint'],
  ['lib/health', 'lib/parallel'],
  ['lib/data', 'lib/optim', 'lib/nn', 'lib/io'],
  ['lib/gradcheck', 'lib/autodiff', 'lib/runtime'],
  ['lib/compile'],
  ['lib/ops'],
  ['lib/graph'],
];

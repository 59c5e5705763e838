// The layers as CONTRIBUTING.md shows them: a line for each, the top one first.

/** @param {readonly (readonly string[])[]} layers */
export function picture(layers) {
  return layers.map((rooms) => `    ${rooms.join('   ')}`).join('\n');
}

// A transform for tests: scales a sample by a random number, and refuses those that its options name.
/**
 * @param {import('chainrule').data.Sample} sample
 * @param {{ bad?: number[], kind?: string }} [options]
 */
export default function decode({ index, inputs, output, random }, { bad = [], kind = 'throw' } = {}) {
  if (bad.includes(index)) {
    if (kind === 'throw') throw new Error('no image');
    if (kind === 'short') return [1, 2];
    return Promise.resolve();
  }
  const factor = random();
  for (let i = 0; i < output.length; i++) output[i] = Number(inputs[i % inputs.length]) * factor;
  return undefined;
}

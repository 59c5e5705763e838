// A transform for tests: copies a sample, and holds its worker at one of them until the gate is opened.
const ARRIVALS = 0;
const OPEN = 1;

/**
 * @param {import('chainrule').data.Sample} sample
 * @param {{ at: number, passes: number, words: Int32Array }} options the sample, how often it passes, and shared memory
 */
export default function copyBehindGate({ index, inputs, output }, { at, passes, words }) {
  if (index === at && Atomics.add(words, ARRIVALS, 1) >= passes) {
    Atomics.notify(words, ARRIVALS);
    // A thread that is to be ended must return to JavaScript now and then.
    while (Atomics.load(words, OPEN) === 0) Atomics.wait(words, OPEN, 0, 50);
  }
  for (let i = 0; i < output.length; i++) output[i] = Number(inputs[i]);
}

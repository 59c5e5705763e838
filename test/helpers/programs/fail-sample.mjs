// A transform for tests: copies a sample, and fails at those that its options name, in one of many ways.
const failures = {
  throw() {
    throw new Error('no image');
  },
  nothing() {
    throw Object.create(null);
  },
  exit() {
    process.exit(7);
  },
  heap() {
    /** @type {object[]} */
    const kept = [];
    for (;;) kept.push({ next: kept.length });
  },
  loop() {
    for (;;);
  },
};

/**
 * @param {import('chainrule').data.Sample} sample
 * @param {{ at: readonly number[], kind: keyof typeof failures, left: Int32Array }} options failures that are left, in
 *   shared memory
 */
export default function copyOrFail({ index, inputs, output }, { at, kind, left }) {
  if (at.includes(index) && Atomics.sub(left, 0, 1) > 0) failures[kind]();
  for (let i = 0; i < output.length; i++) output[i] = Number(inputs[i]);
}

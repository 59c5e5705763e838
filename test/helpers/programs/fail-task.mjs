// Entry of a pool for tests: fails in the way that the task names, without an outcome.
const failures = {
  throw() {
    throw new RangeError('not caught');
  },
  exit() {
    process.exit(7);
  },
  'give a function': () => () => 0,
};

/** @param {keyof typeof failures} task */
export default function fail(task) {
  return failures[task]();
}

/**
 * The largest number for which a monotonic condition holds (up to some number and not beyond), by doubling, then
 * bisection.
 *
 * @param holds called for few numbers, once for each
 * @param first first number to try
 * @param most largest number to try
 * @returns 0 if the condition does not even hold for 1
 */
export function largestThat(holds: (value: number) => boolean, first: number, most: number): number {
  let [good, bad] = [0, most + 1];
  for (let value = Math.min(first, most); good < most; value = Math.min(most, 2 * value)) {
    if (!holds(value)) {
      bad = value;
      break;
    }
    good = value;
  }
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

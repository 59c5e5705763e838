/** The number of elements, of a list of `count`, for which a test holds: the list is ordered such that they come first. */
export function partitionPoint(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

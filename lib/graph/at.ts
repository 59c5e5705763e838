/** The element of a list at an index that must be in range. Throws a RangeError otherwise. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) throw new RangeError(`index ${index} is outside of a list of ${list.length}`);
  return element;
}

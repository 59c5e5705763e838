import { at, build, type Plain } from './naive.js';

/** True if a query may attend to a key, or a number that is added to their score. */
export type PlainMask = (index: readonly number[]) => boolean | number;

/** Attention by its definition, one query after another; zeros for one that may attend to nothing. */
export function attentionPlain(
  query: Plain,
  key: Plain,
  value: Plain,
  mask: PlainMask = () => true,
  scale = 1 / Math.sqrt(query.shape.at(-1) as number),
): Plain {
  const [length, features] = key.shape.slice(-2) as [number, number];
  return build([...query.shape.slice(0, -1), value.shape.at(-1) as number], (index) => {
    const outer = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    let sum = 0;
    let total = 0;
    for (let other = 0; other < length; other++) {
      let score = 0;
      for (let f = 0; f < features; f++)
        score += at(query, [...outer, row, f]) * at(key, [...outer, other, f]);
      const shown = mask([...outer, row, other]);
      if (shown === false) continue;
      const weight = Math.exp(score * scale + (shown === true ? 0 : shown));
      sum += weight;
      total += weight * at(value, [...outer, other, column]);
    }
    return sum === 0 ? 0 : total / sum;
  });
}

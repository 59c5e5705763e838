/** Most names that a message writes out. */
const MOST = 5;
/** Most characters of a name from a file. */
const LONGEST = 200;

/** Describes names that differ: `'lacks a, b and has also c'`; undefined if none does. */
export function describeDifference(
  missing: readonly string[],
  surplus: readonly string[],
): string | undefined {
  if (missing.length === 0 && surplus.length === 0) return undefined;
  return [
    ...(missing.length > 0 ? [`lacks ${firstNames(missing)}`] : []),
    ...(surplus.length > 0 ? [`has also ${firstNames(surplus)}`] : []),
  ].join(' and ');
}

/** The first names of a list: `'a, b, ...'`. */
export function firstNames(names: readonly string[]): string {
  return `${names.slice(0, MOST).join(', ')}${names.length > MOST ? ', ...' : ''}`;
}

/** Names as an enumeration: `'a, b and c'`. */
export function enumerate(names: readonly string[], conjunction = 'and'): string {
  if (names.length < 2) return names.join();
  return `${names.slice(0, -1).join(', ')} ${conjunction} ${names.at(-1)}`;
}

/** A name as messages show it, cut short: it may come from a file, and be as long. */
export function shortened(name: string): string {
  return name.length > LONGEST ? `${name.slice(0, LONGEST)}...` : name;
}

/** A number of things: `'1 worker'`, `'2 workers'`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

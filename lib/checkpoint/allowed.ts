import { nearestName } from '../graph/arguments/nearest-name.js';
import { invalid } from '../graph/errors.js';
import { enumerate } from '../text/names.js';
import { type Difference, withoutControls } from './differences.js';

// What may differ from a saved run, because the caller means to change it and names it.

/** The differences that are not allowed. A name covers all that belongs to it. */
export function refusedOf(differences: readonly Difference[], allow: readonly string[]): Difference[] {
  return differences.filter(({ name }) => !allow.some((one) => isPartOf(name, one)));
}

/** The end of an error about refused differences, which says that they can be allowed. */
export function namedIn(option: string, refused: readonly Difference[]): string {
  const names = refused.slice(0, 3).map(({ name }) => `'${withoutControls(name)}'`);
  return names.length === 0
    ? ''
    : `. What you mean to change can be named in ${option}, as ${enumerate(names)}`;
}

/**
 * Checks that allowed names are those of parts.
 *
 * @param option that they are from
 * @param parts all parts of the fingerprints
 */
export function requireKnown(
  op: string,
  option: string,
  allow: readonly string[],
  parts: readonly string[],
): void {
  if (allow.length === 0) return;
  const known = new Set(parts.flatMap(withParents));
  for (const name of allow) {
    if (known.has(name)) continue;
    const nearest = nearestName(name, [...known]);
    const most = [...known].filter((one) => !one.includes('.'));
    const hint = nearest === undefined ? `there are ${enumerate(most)}` : `did you mean ${nearest}?`;
    throw invalid(op, `${option}: nothing is called ${name}; ${hint}`);
  }
}

/** A name and those that it is a part of: `optimizer.groups[0].lr`, `optimizer.groups[0]`, `optimizer`. */
function withParents(name: string): string[] {
  const parents = [...name.matchAll(/[.[]/g)].map(({ index }) => name.slice(0, index));
  return [name, ...parents];
}

function isPartOf(name: string, whole: string): boolean {
  return name === whole || name.startsWith(`${whole}.`) || name.startsWith(`${whole}[`);
}

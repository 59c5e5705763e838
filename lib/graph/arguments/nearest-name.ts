import leven from 'leven';
import { namesElsewhere } from './names-elsewhere.js';
import { notesElsewhere } from './notes-elsewhere.js';

/**
 * The known name that an unknown one was most likely meant to be: the same one in another spelling, what other
 * frameworks' name for it is called here, which may say how it is written, or one that differs in few letters.
 * Undefined if none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = letters(name);
  const same = known.find((candidate) => letters(candidate) === plain);
  if (same !== undefined) return same;
  const elsewhere = Object.hasOwn(namesElsewhere, plain) ? namesElsewhere[plain] : undefined;
  const meant = elsewhere?.find((candidate) => known.includes(nameIn(candidate)));
  if (meant !== undefined) return meant;
  const distances = known.map((candidate) => ({ candidate, distance: distance(plain, letters(candidate)) }));
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  if (!nearest) return undefined;
  // All letters of a name may not be others.
  const most = Math.min(Math.max(1, Math.floor(plain.length / 4)), plain.length - 1);
  return nearest.distance <= most ? nearest.candidate : undefined;
}

/** What an option of other frameworks that has no name here comes to; undefined if nothing is known of it. */
export function noteOn(name: string): string | undefined {
  const plain = letters(name);
  return Object.hasOwn(notesElsewhere, plain) ? notesElsewhere[plain] : undefined;
}

/** The name that a suggestion such as `betas: [beta1, beta2]` begins with. */
function nameIn(suggestion: string): string {
  return /^\w*/.exec(suggestion)?.[0] ?? '';
}

/** The number of letters to change, where letters in another order count once. */
function distance(a: string, b: string): number {
  return sorted(a) === sorted(b) ? 1 : leven(a, b);
}

function sorted(name: string): string {
  return [...name].sort().join('');
}

/** A name without case and separators: `batch_size` and `batchSize` are one. */
function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

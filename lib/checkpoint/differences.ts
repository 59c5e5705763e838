import { type Fingerprint, isDigest, isObject, isSame, isSamples, type Plain } from './fingerprint.js';

/** A part in which a run differs from a checkpoint. */
export interface Difference {
  readonly name: string;
  /** Both values: `seed: 1 in the checkpoint, 2 given`. */
  readonly text: string;
}

/** What the whole step is traced to: it differs with any of the parts that have names of their own. */
export const GRAPH = 'graph';
/** The end of the names of traced updates, which differ with any setting of their rule. */
const UPDATE = '.update';

/**
 * The parts in which two fingerprints differ. One that follows from others is left out.
 *
 * @param where the saved one is from, for messages
 */
export function differencesOf(
  saved: Fingerprint,
  given: Fingerprint,
  where = 'the checkpoint',
): Difference[] {
  const names = [...new Set([...Object.keys(given), ...Object.keys(saved)])];
  const different = names.filter((name) => !isSame(own(saved, name), own(given, name)));
  return different
    .filter((name) => !follows(name, different, saved, given))
    .map((name) => ({
      name,
      text: `${withoutControls(name)}: ${showBoth(own(saved, name), own(given, name), where)}`,
    }));
}

function own(fingerprint: Fingerprint, name: string): Plain | undefined {
  return Object.hasOwn(fingerprint, name) ? fingerprint[name] : undefined;
}

/** True for a difference that another one implies. */
function follows(name: string, different: readonly string[], ...both: Fingerprint[]): boolean {
  if (name === 'rows') return different.includes('batchSize') || different.includes('data.length');
  if (name === GRAPH) return different.some((other) => /^(model|loss|data|frozen|inference)\b/.test(other));
  if (name.endsWith(UPDATE) && name.startsWith('optimizer')) {
    const rule = name.slice(0, -UPDATE.length);
    return different.some((other) => other !== name && (other === rule || other.startsWith(`${rule}.`)));
  }
  // A setting that one of two rules does not have, or one of a group that is missing.
  const parent = /^(optimizer.*)\.[^.]*$/.exec(name)?.[1];
  if (parent === undefined || both.every((fingerprint) => own(fingerprint, name) !== undefined)) return false;
  return different.includes(parent);
}

/** Most characters of a value that a message shows. */
const MOST = 120;

function showBoth(saved: Plain | undefined, given: Plain | undefined, where: string): string {
  if (isSamples(saved) && isSamples(given)) {
    const at = given.samples.findIndex((pair, i) => !isSame(pair, saved.samples[i]));
    const [step, value] = given.samples[at] ?? [];
    const before = saved.samples[at]?.[1];
    if (step !== undefined) {
      return `${show(before)} at step ${step} in ${where}, ${show(value)} given`;
    }
  }
  const [here, there] = [show(given), show(saved)];
  if (here !== there) return `${there} in ${where}, ${here} given`;
  return `${here}, with other ${isDigest(given) ? given.of : 'parts'} in ${where}`;
}

function show(value: Plain | undefined): string {
  const text = withoutControls(format(value));
  return text.length > MOST ? `${text.slice(0, MOST)}...` : text;
}

function format(value: Plain | undefined): string {
  if (value === undefined || value === null) return 'none';
  if (isDigest(value) || isSamples(value)) return value.text;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(format).join(', ');
  if (!isObject(value)) return String(value);
  const { op, ...settings } = value;
  const all = Object.entries(settings).map(([name, part]) => `${name}: ${inList(part)}`);
  return `${typeof op === 'string' ? op : ''}(${all.join(', ')})`;
}

function inList(value: Plain): string {
  return Array.isArray(value) ? `[${value.map(format).join(', ')}]` : format(value);
}

/** A text without control characters, which a file can hold, and a terminal obeys. */
export function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

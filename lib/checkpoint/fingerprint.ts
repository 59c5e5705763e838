/** A value that JSON can hold. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/**
 * What decides the bits of a run, by the names of options and of parts of model and data: `optimizer.betas`,
 * `model.drop`, `data.inputs`. Runs of equal fingerprints go on to the same weights.
 */
export type Fingerprint = Readonly<Record<string, Plain>>;

/** A part of a fingerprint that stands for more than can be stored. Those with equal digests are the same. */
export interface Digest {
  readonly [name: string]: Plain;
  /** For messages. */
  readonly text: string;
  readonly digest: string;
  /** What differs in parts with the same text: values, operations. */
  readonly of: string;
}

/** A function of the step that no settings tell of: what it gives at some steps. */
export interface Samples {
  readonly [name: string]: Plain;
  readonly text: string;
  /** Null where it throws. */
  readonly samples: readonly (readonly [step: number, value: number | null])[];
}

export function isDigest(value: Plain | undefined): value is Digest {
  return isObject(value) && typeof value.text === 'string' && typeof value.digest === 'string';
}

export function isSamples(value: Plain | undefined): value is Samples {
  return isObject(value) && typeof value.text === 'string' && Array.isArray(value.samples);
}

export function isObject(value: Plain | undefined): value is { readonly [name: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True if two parts of fingerprints are the same. */
export function isSame(a: Plain | undefined, b: Plain | undefined): boolean {
  if (isDigest(a) && isDigest(b)) return a.digest === b.digest;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((part, i) => isSame(part, b[i]));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => isSame(a[key], b[key]));
  }
  return Object.is(a, b);
}

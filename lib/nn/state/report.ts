/** A tensor of a state whose shape or dtype is not the model's. */
export interface Misshapen {
  /** The model's name for it. */
  readonly name: string;
  /** What the model has there, as 'float32[10,784]'. */
  readonly expected: string;
  /** What the state has. */
  readonly found: string;
}

/** How a state fits a model: empty lists where it does. */
export interface LoadReport {
  /** Names of the model that the state lacks. */
  readonly missing: readonly string[];
  /** Names of the state, without the prefix and renamed, that the model lacks. */
  readonly unexpected: readonly string[];
  /** Tensors of both that have other forms. They are never loaded. */
  readonly misshapen: readonly Misshapen[];
  /** What would make it fit, if that can be told. */
  readonly hints: readonly string[];
}

/** True if nothing is amiss. */
export function fitsWholly({ missing, unexpected, misshapen }: LoadReport): boolean {
  return missing.length + unexpected.length + misshapen.length === 0;
}

/** All of a report in words: `it lacks a, b; it has also c; w is float32[3,2], not float32[2,3]`. */
export function describeReport({ missing, unexpected, misshapen, hints }: LoadReport): string {
  return [
    ...(missing.length > 0 ? [`it lacks ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`it has also ${unexpected.join(', ')}`] : []),
    ...misshapen.map(({ name, expected, found }) => `${name} is ${found}, not ${expected}`),
    ...hints,
  ].join('; ');
}

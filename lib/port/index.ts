// What users see as `io`: files, and the comparison of a model with what was recorded elsewhere.

export * from '../io/index.js';
export { compare } from './compare.js';
export { formatComparison } from './format-comparison.js';
export type { CompareOptions } from './options.js';
export type { ComparedLayer, PortComparison } from './report.js';

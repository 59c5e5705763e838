export { type Batch, type BatchesOptions, type BatchSequence, batches } from './batches.js';
export { Dataset, type FromArraysOptions, fromArrays } from './dataset.js';
export type { Field, FieldOptions, FieldSource } from './field.js';
export { readIdx } from './idx.js';
export { mnist } from './mnist.js';
export type { Nested } from './nested.js';

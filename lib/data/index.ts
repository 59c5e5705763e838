export {
  type AnyBatch,
  type Batch,
  type BatchesOptions,
  type BatchSequence,
  batches,
  type StreamBatches,
} from './batches.js';
export { type AnyDataset, Dataset } from './dataset.js';
export type { Field, FieldOptions, FieldSource, FileRows } from './field.js';
export { type FromArraysOptions, fromArrays } from './from-arrays.js';
export { readIdx } from './idx.js';
export { type MapFileOptions, mapFile, mapIdx, mapSafetensors } from './map-files.js';
export { MappedField } from './mapped-field.js';
export { mnist } from './mnist.js';
export type { Nested } from './nested.js';
export {
  type AnyStream,
  type OpenStream,
  StreamDataset,
  type StreamItem,
  type StreamOptions,
  type StreamSource,
  type StreamValue,
  stream,
} from './stream.js';
export type { TransformLists } from './transforms/by-input.js';
export {
  type CustomOptions,
  custom,
  type Sample,
  type SampleFunction,
} from './transforms/custom.js';
export {
  type AffineOptions,
  affine,
  type CropOptions,
  crop,
  type FlipOptions,
  flip,
} from './transforms/geometry.js';
export type { Form } from './transforms/program.js';
export type { Interval, OnBadItem, PaddingMode, Transform } from './transforms/transform.js';
export {
  type ColorJitterOptions,
  type CutoutOptions,
  colorJitter,
  cutout,
  type MixupOptions,
  mixup,
  type NoiseOptions,
  type NormalizeOptions,
  noise,
  normalize,
} from './transforms/values.js';

export {
  type AccuracyOptions,
  accuracy,
  type BinaryAccuracyOptions,
  binaryAccuracy,
  meanAbsoluteError,
  type TopKOptions,
  topKAccuracy,
} from './losses/accuracy.js';
export {
  type BinaryLogitOptions,
  type BinaryLoss,
  type BinaryOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
} from './losses/binary.js';
export type { Configurable } from './losses/configurable.js';
export { type ClassLoss, type CrossEntropyOptions, crossEntropy } from './losses/cross-entropy.js';
export {
  type CosineEmbeddingOptions,
  cosineEmbeddingLoss,
  type TripletMarginOptions,
  tripletMarginLoss,
} from './losses/embedding.js';
export type { LabelOptions } from './losses/labels.js';
export {
  type GaussianOptions,
  gaussianNLLLoss,
  type KLOptions,
  klDivergence,
  type PoissonOptions,
  poissonNLLLoss,
} from './losses/likelihood.js';
export type { Loss, Metric, TargetCheck } from './losses/loss.js';
export {
  type HingeOptions,
  hingeLoss,
  type MultiMarginOptions,
  multiMarginLoss,
  type SignLoss,
  squaredHingeLoss,
} from './losses/margin.js';
export { nllLoss } from './losses/nll.js';
export type { Reduction, ReductionOptions } from './losses/reduction.js';
export {
  type HuberOptions,
  huberLoss,
  maeLoss,
  mseLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from './losses/regression.js';

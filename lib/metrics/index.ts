export * from './accuracy.js';
export { type CalibrationErrorOptions, calibrationError } from './calibration.js';
export type { ClassMetricOptions, LabelMetricOptions } from './class-labels.js';
export * from './class-scores.js';
export { type CohenKappaOptions, cohenKappa } from './cohen-kappa.js';
export { type ConfusionMatrixOptions, confusionMatrix } from './confusion-matrix.js';
export * from './likelihood.js';
export type { OutputMetricOptions } from './outputs.js';
export * from './pr-auc.js';
export {
  type Average,
  type FBetaOptions,
  f1,
  fBeta,
  type PrecisionRecallOptions,
  precision,
  recall,
} from './precision-recall.js';
export type { ProbabilityOptions } from './probabilities.js';
export * from './regression.js';
export { type RocAucOptions, rocAuc } from './roc-auc.js';
export type { RankingOptions } from './score-columns.js';
export * from './variance.js';

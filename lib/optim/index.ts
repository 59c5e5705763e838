export { type AdafactorOptions, type AdafactorSettings, adafactor } from './adafactor.js';
export { type AdamOptions, type AdamSettings, adam, adamW, amsGrad } from './adam.js';
export {
  type NAdamOptions,
  type NAdamSettings,
  nAdam,
  type RAdamOptions,
  type RAdamSettings,
  rAdam,
} from './adam-variants.js';
export {
  type AdadeltaOptions,
  type AdadeltaSettings,
  type AdaGradOptions,
  type AdaGradSettings,
  adadelta,
  adaGrad,
  type RmsPropOptions,
  type RmsPropSettings,
  rmsProp,
} from './adaptive.js';
export {
  type LinearWarmupLROptions,
  linearWarmupLR,
  sequentialLR,
  type WarmupOptions,
  warmup,
} from './combinators.js';
export type { GroupMatch, ParameterGroup } from './groups.js';
export { LBFGS, type LbfgsOptions, lbfgs } from './lbfgs/lbfgs.js';
export { type LionOptions, type LionSettings, lion } from './lion.js';
export { type OneCycleLROptions, oneCycleLR } from './one-cycle.js';
export { Optimizer, type StepOptions } from './optimizer.js';
export type { GroupOptions, OptimizerOptions } from './options.js';
export { type PlateauOptions, reduceOnPlateau } from './plateau.js';
export type { Update, UpdateRule } from './rule.js';
export type { ReportedSchedule, Schedule, ScheduleState } from './schedule.js';
export {
  type CosineLROptions,
  type CosineRestartsLROptions,
  constantLR,
  cosineLR,
  cosineRestartsLR,
  type ExponentialLROptions,
  exponentialLR,
  type MultiStepLROptions,
  multiStepLR,
  type PolynomialLROptions,
  polynomialLR,
  type StepLROptions,
  stepLR,
} from './schedules.js';
export { type SgdOptions, type SgdSettings, sgd } from './sgd.js';
export type { Stages } from './stages.js';

export { type AdamOptions, adam, adamW } from './adam.js';
export { Optimizer, type Update, type UpdateRule } from './optimizer.js';
export {
  type CosineLROptions,
  constantLR,
  cosineLR,
  type Schedule,
  type StepLROptions,
  stepLR,
} from './schedules.js';
export { type SgdOptions, sgd } from './sgd.js';

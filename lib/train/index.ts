export type { CheckpointOptions, ResumePoint } from '../checkpoint/options.js';
export type { Pace } from './inspect/pace.js';
export type { SharedBytes } from './memory/memory-estimator.js';
export type { MemoryPlan, MemoryPoint, WorkerMemoryPlan } from './memory/memory-plan.js';
export type { MaxBatchOptions, PaceOptions, PlanOptions } from './memory/planning.js';
export type {
  EpochRecord,
  EpochResult,
  EvaluateOptions,
  Figures,
  FitOptions,
  InspectionOptions,
  ProfileOptions,
  Progress,
  TrainerOptions,
} from './options.js';
export type { KeptPart } from './prepare/mode.js';
export type { ParameterOrder, TrainerLoadOptions } from './state/options.js';
export type { OptimizerStateDict, WrittenStateDict } from './state/pytorch/dict.js';
export type { SettingDifference, TrainerLoadReport } from './state/report.js';
export { Trainer } from './trainer.js';
export type { RunSize, TrainingModule } from './training-module.js';

export type { CheckpointOptions, ResumePoint } from '../checkpoint/options.js';
export type { SharedBytes } from './memory-accounts.js';
export type { MemoryPlan, MemoryPoint, WorkerMemoryPlan } from './memory-plan.js';
export type { RunSize, TrainingModule } from './module.js';
export type { Pace } from './pace.js';
export type { MaxBatchOptions, PaceOptions, PlanOptions } from './planning.js';
export { Trainer } from './trainer.js';
export type {
  EpochRecord,
  EpochResult,
  Figures,
  FitOptions,
  InspectionOptions,
  ProfileOptions,
  Progress,
  TrainerOptions,
} from './types.js';

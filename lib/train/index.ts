export type { CheckpointOptions, ResumePoint } from '../checkpoint/options.js';
export type { RunSize, TrainingModule } from './module.js';
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

export type { RunSize, TrainingModule } from './module.js';
export { Trainer } from './trainer.js';
export type {
  EpochResult,
  Figures,
  FitOptions,
  InspectionOptions,
  ProfileOptions,
  Progress,
  TrainerOptions,
} from './types.js';

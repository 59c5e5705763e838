export type { RunSize, TrainingModule } from './module.js';
export { Trainer } from './trainer.js';
export type { EpochResult, Figures, FitOptions, Progress, TrainerOptions } from './types.js';

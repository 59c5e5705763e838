import type { nn, Shape } from '../index.js';

/** Random values of one example: floats from 0 to 1, or integers from 0 to `below` - 1. */
export type Values =
  | { readonly dtype: 'float32'; readonly shape: Shape }
  | { readonly dtype: 'int32'; readonly shape: Shape; readonly below: number };

interface Common {
  readonly name: string;
  /** One-line description of the model. */
  readonly title: string;
  /** Number of examples in one step or prediction. */
  readonly batchSize: number;
  readonly inputs: Values;
  model(): nn.Module;
}

/** A training step to time: forward, loss, backward and update on random data, in float32. */
export interface TrainingScenario extends Common {
  readonly kind: 'train';
  readonly targets: Values;
  readonly loss: nn.Loss;
  /** Uses the defaults common to all libraries: a rate of 0.001, and AdamW's decay of 0.01. */
  readonly optimizer: 'adam' | 'adamW';
}

/** A model's output to time, in inference mode. */
export interface PredictionScenario extends Common {
  readonly kind: 'predict';
}

export type Scenario = TrainingScenario | PredictionScenario;

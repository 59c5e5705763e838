import type { PredictionScenario } from '../scenario.js';
import { mnistCnn } from './mnist-cnn.js';

/** One prediction of a service that classifies images. */
export const predictCnn: PredictionScenario = {
  kind: 'predict',
  name: 'predict_cnn',
  title: mnistCnn.title,
  batchSize: 1,
  inputs: mnistCnn.inputs,
  model: mnistCnn.model,
};

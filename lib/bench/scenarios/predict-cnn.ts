import type { PredictionScenario } from '../scenario.js';
import { mnistCnn } from './mnist-cnn.js';

/** One answer of a service that looks at images. */
export const predictCnn: PredictionScenario = {
  kind: 'predict',
  name: 'predict_cnn',
  title: mnistCnn.title,
  batchSize: 1,
  inputs: mnistCnn.inputs,
  model: mnistCnn.model,
};

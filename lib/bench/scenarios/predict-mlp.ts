import type { PredictionScenario } from '../scenario.js';
import { mnistMlp } from './mnist-mlp.js';

/** One prediction of a service, dominated by overhead. */
export const predictMlp: PredictionScenario = {
  kind: 'predict',
  name: 'predict_mlp',
  title: mnistMlp.title,
  batchSize: 1,
  inputs: mnistMlp.inputs,
  model: mnistMlp.model,
};

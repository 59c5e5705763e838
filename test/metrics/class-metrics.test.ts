import { describe } from 'vitest';
import { describeMetrics } from './recorded-metrics.js';

describe('metrics of classes and their probabilities', () => {
  describeMetrics('class_metrics');
});

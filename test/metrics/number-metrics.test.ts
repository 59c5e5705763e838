import { describe } from 'vitest';
import { describeMetrics } from './recorded-metrics.js';

describe('metrics of numbers', () => {
  describeMetrics('regression_metrics');
});

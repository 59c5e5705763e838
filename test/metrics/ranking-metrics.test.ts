import { describe } from 'vitest';
import { describeMetrics } from './recorded-metrics.js';

describe('metrics of the order of scores', () => {
  describeMetrics('ranking_metrics');
});

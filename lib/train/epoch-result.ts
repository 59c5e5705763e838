import type { EpochRecord } from '../checkpoint/state.js';
import type { HealthReport } from '../health/report.js';

/** The figures of an epoch, including those that the history does not keep. */
export interface EpochResult extends EpochRecord {
  /** The loss of every step; NaN for a skipped one. */
  readonly stepLosses: Float64Array;
  /** The health report, if the option `health` is set. */
  readonly health?: HealthReport;
}

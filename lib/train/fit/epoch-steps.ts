import { bytesPerElement } from '../../graph/dtype.js';
import type { TrainingJob } from '../../parallel/protocol/job.js';

/** Steps of an epoch; undefined for a stream, which may end at any. */
export function epochSteps(training: TrainingJob, isStream: false): number;
export function epochSteps(training: TrainingJob, isStream: boolean): number | undefined;
export function epochSteps({ losses }: TrainingJob, isStream: boolean): number | undefined {
  return isStream ? undefined : losses.byteLength / bytesPerElement('float64');
}

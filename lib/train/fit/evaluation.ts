import type { EvaluationJob } from '../../parallel/protocol/job.js';
import type { Figures } from '../options.js';
import { readFigures } from '../prepare/jobs.js';
import type { Restarts } from './restarts.js';
import type { Session } from './session.js';

/** Evaluates on a session's threads, which are restarted when they fail, while restarts are left. */
export async function evaluateIn(
  session: Session,
  evaluation: EvaluationJob,
  restarts?: Restarts,
): Promise<Figures> {
  try {
    await session.run((rank) => ({ kind: 'evaluate', rank }));
    return readFigures(evaluation);
  } catch (error) {
    if (!restarts?.take(error)) throw error;
    await session.restart();
    return evaluateIn(session, evaluation, restarts);
  }
}

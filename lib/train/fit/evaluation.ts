import { stepError } from '../../graph/outcome.js';
import { readFigures } from '../../parallel/prepare/read-figures.js';
import type { EvaluationJob } from '../../parallel/protocol/job.js';
import type { Figures } from '../options.js';
import type { Restarts } from './restarts.js';
import type { Session } from './session.js';

/**
 * Evaluates on a session's threads, which are restarted when they fail, while restarts are left.
 *
 * @param op the call that evaluates, as its errors name it
 */
export async function evaluateIn(
  op: string,
  session: Session,
  evaluation: EvaluationJob,
  restarts?: Restarts,
): Promise<Figures> {
  try {
    await session.run((rank) => ({ kind: 'evaluate', rank }));
    const { numbers, tables } = await readFigures(evaluation, session.workers);
    return (Object.keys(tables).length > 0 ? { ...numbers, tables } : numbers) as Figures;
  } catch (error) {
    if (!restarts?.take(error)) throw stepError(op, error);
    await session.restart();
    return evaluateIn(op, session, evaluation, restarts);
  }
}

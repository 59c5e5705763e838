import type { TypedArray } from '../../graph/dtype.js';
import type { EvaluationJob } from './job.js';
import { viewInto } from './shared-memory.js';

/** The tensors of the state at a place, counted over the places of all workers. */
export function statesAt(
  { state, states }: Pick<EvaluationJob, 'state' | 'states'>,
  place: number,
): TypedArray[] {
  return states.map((memory, i) => {
    const { elements } = state[i] as { elements: number };
    return viewInto(memory, place * elements, (place + 1) * elements);
  });
}

/** The rows of each column for some samples. */
export function columnsAt(
  { columns }: Pick<EvaluationJob, 'columns'>,
  { start, count }: { readonly start: number; readonly count: number },
): TypedArray[] {
  return columns.map(({ memory, rowSize }) => viewInto(memory, start * rowSize, (start + count) * rowSize));
}

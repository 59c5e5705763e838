import { at } from '../../graph/at.js';
import { allocate, type TypedArray } from '../../graph/dtype.js';
import { sizeOf } from '../../graph/shapes.js';
import type { FigureTable } from '../../nn/figure.js';
import { Executable } from '../../runtime/executable.js';
import type { BoundPlan, EvaluationJob, FigureForm } from '../protocol/job.js';
import { MergeOrder, mergedRanges } from '../protocol/merge-order.js';
import { batchCount, shardRows } from '../protocol/shards.js';
import { columnsAt, statesAt } from '../protocol/states.js';

/** What an evaluation gives: numbers, and the figures whose results have axes. */
export interface FigureValues {
  readonly numbers: Readonly<Record<string, number>>;
  readonly tables: Readonly<Record<string, FigureTable>>;
}

/**
 * Merges the states that the workers of an evaluation have left, and takes the figures from that of all rows and from the
 * columns. Plans run off the main thread unless they are quick.
 */
export async function readFigures(evaluation: EvaluationJob, workers: number): Promise<FigureValues> {
  const { figures, length, batchSize, places } = evaluation;
  const count = batchCount(length, batchSize);
  const stack: TypedArray[][] = [];
  const merges: number[] = [];
  const order = new MergeOrder(count, (place) => merges.push(place));
  const merge = new LocalPlan(evaluation.merge);
  const result = new LocalPlan(evaluation.result);
  try {
    for (let rank = 0; rank < workers; rank++) {
      const { start, count: own } = shardRows(count, workers, rank);
      const ranges = mergedRanges(count, start, start + own);
      for (const [i, range] of ranges.entries()) {
        stack[order.next] = statesAt(evaluation, rank * places + i);
        order.add(range);
        for (const place of merges.splice(0)) {
          stack[place] = await merge.run([...at(stack, place), ...at(stack, place + 1)]);
        }
      }
    }
    const columns = columnsAt(evaluation, { start: 0, count: length });
    return valuesOf(figures, await result.run([...at(stack, 0), ...columns]));
  } finally {
    merge.release();
    result.release();
  }
}

function valuesOf(figures: readonly FigureForm[], values: readonly TypedArray[]): FigureValues {
  const all = figures.map(({ name, shape }, i) => ({ name, shape, data: Array.from(at(values, i)) }));
  const isNumber = ({ shape }: FigureForm) => shape.length === 0;
  return {
    numbers: Object.fromEntries(all.filter(isNumber).map(({ name, data }) => [name, at(data, 0)])),
    tables: Object.fromEntries(
      all.filter((one) => !isNumber(one)).map(({ name, shape, data }) => [name, { shape: [...shape], data }]),
    ),
  };
}

/** A plan without inputs but those that are given, run here. */
class LocalPlan {
  readonly #executable: Executable;

  constructor(private readonly bound: BoundPlan) {
    this.#executable = new Executable(bound.plan);
  }

  /** Returns new arrays with the outputs. */
  async run(inputs: readonly TypedArray[]): Promise<TypedArray[]> {
    const given = inputs.values();
    const bindings = this.bound.plan.bindings.map(({ kind, dtype, shape, data }) => {
      if (kind === 'input') return given.next().value as TypedArray;
      return data ?? allocate(dtype, sizeOf(shape));
    });
    await this.#executable.runWhereCheapest(bindings, { seed: 0, step: 0 });
    return bindings.filter((_, i) => this.bound.plan.bindings[i]?.kind === 'output');
  }

  release(): void {
    this.#executable.release();
  }
}

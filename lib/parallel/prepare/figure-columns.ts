import { at } from '../../graph/at.js';
import { formatType, invalid } from '../../graph/errors.js';
import { Tensor } from '../../graph/tensor.js';
import type { ColumnFigureDefinition, FigureColumns } from '../../nn/figure.js';
import type { Tensors } from '../../nn/model-input.js';
import { type FigureBatch, resultOf, type TracedFigure } from './traced-figure.js';

/** The functions of a figure of columns of a model with any outputs. */
export type AnyColumns = ColumnFigureDefinition<FigureColumns, Tensors, Tensors>;

/** What a figure of columns keeps of one batch. */
export class ColumnsOfBatch implements TracedFigure {
  readonly state = [];
  readonly columns: readonly Tensor[];
  readonly #names: readonly string[];

  constructor(
    private readonly name: string,
    private readonly definition: AnyColumns,
    { output, target, weights, rows }: FigureBatch,
  ) {
    const kept = requireColumns(name, definition.rows(output, target, weights), rows);
    this.#names = Object.keys(kept);
    this.columns = Object.values(kept);
  }

  merge(): readonly Tensor[] {
    return [];
  }

  result(_: readonly Tensor[], columns: readonly Tensor[]): Tensor {
    const named = Object.fromEntries(this.#names.map((name, i) => [name, at(columns, i)]));
    return resultOf(this.name, this.definition.result(named));
  }
}

/** The columns that the function `rows` of a figure returned, checked. */
function requireColumns(name: string, returned: unknown, rows: number): Record<string, Tensor> {
  const isObject = typeof returned === 'object' && returned !== null && !Array.isArray(returned);
  const entries = Object.entries(isObject ? returned : {}).filter(([, value]) => value !== undefined);
  if (entries.length === 0 || !entries.every(([, value]) => value instanceof Tensor)) {
    throw invalid('Trainer', `rows of ${name} must return an object of tensors, the columns`, returned);
  }
  for (const [key, value] of entries) {
    if (value.shape[0] === rows) continue;
    const expected = `rows of ${name} must return ${key} with the samples on its first axis, ${rows} here`;
    throw invalid('Trainer', expected, formatType(value));
  }
  return Object.fromEntries(entries);
}

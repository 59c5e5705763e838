import { compileGraph } from '../../compile/compile.js';
import { columnsRead, sidesOf } from '../../data/columns.js';
import { at } from '../../graph/at.js';
import { formatType, invalid } from '../../graph/errors.js';
import { type InputAttributes, input } from '../../graph/leaf.js';
import { sizeOf } from '../../graph/shapes.js';
import type { Tensor } from '../../graph/tensor.js';

import { type Forward, tensorsIn } from '../../nn/model-input.js';

import { nativeKernels } from '../../runtime/native-kernels.js';
import type { BoundPlan, FigureForm, Source, TensorForm } from '../protocol/job.js';
import { bindSources } from './bindings.js';
import { BoundPlanChoices } from './bound-plan-choices.js';
import { parameterSources, placeholders, type ShardForm, withoutAssignments } from './compile-shard.js';
import { type AnyFigure, traceFigure } from './figure-states.js';
import type { FlatParameters } from './flat-parameters.js';
import type { TracedFigure } from './traced-figure.js';

/** Source of the plans of an evaluation. */
export interface FiguresSource extends Omit<ShardForm, 'rows'> {
  readonly forward: Forward;
  /** By their names. */
  readonly figures: Readonly<Record<string, AnyFigure>>;
  readonly parameters: FlatParameters;
  /** Number of all samples. */
  readonly length: number;
}

/** The plans of an evaluation, whose bindings are named `state 0`, `left 0`, `right 0`, `merged 0` and so on. */
export interface CompiledFigures {
  /** From inputs and targets to the states and the columns of a batch, by its number of rows. */
  readonly plans: ReadonlyMap<number, BoundPlanChoices>;
  /** The tensors of all figures' states. */
  readonly state: readonly TensorForm[];
  /** The columns of all figures, as they are for one sample. */
  readonly columns: readonly TensorForm[];
  /** From the states left and right to the merged one. */
  readonly merge: BoundPlan;
  /** From the state of all rows and the columns of all samples to the figures. */
  readonly result: BoundPlan;
  readonly figures: readonly FigureForm[];
  /** The names of the data's columns that the output and the figures are computed from. */
  readonly read: ReadonlySet<string>;
}

/** Compiles figures for batches of these numbers of rows. */
export function compileFigures(sizes: readonly number[], source: FiguresSource): CompiledFigures {
  const { length } = source;
  const places = parameterSources(source.parameters);
  const batches = sizes.map((rows) => traceBatch(rows, source));
  const { traced, inputs: placed, output } = at(batches, 0);
  const state = traced.flatMap((figure) => figure.state);
  const columns = traced.flatMap((figure) => figure.columns.map(({ shape, dtype }) => ({ shape, dtype })));
  for (const batch of batches) requireAlike(source, batch.traced, traced);
  const like = (name: string) => state.map(({ shape, dtype }, i) => input(`${name} ${i}`, shape, dtype));
  const [left, right, last] = [like('left'), like('right'), like('state')];
  const whole = columns.map(({ shape, dtype }, i) => input(`column ${i}`, shape.with(0, length), dtype));
  const merged = withoutAssignments(() =>
    statesOf(traced, left).flatMap((part, i) => at(traced, i).merge(part, at(statesOf(traced, right), i))),
  );
  const results = withoutAssignments(() =>
    statesOf(traced, last).map((part, i) => at(traced, i).result(part, at(columnsOf(traced, whole), i))),
  );
  const bind = (
    inputs: readonly Tensor<InputAttributes>[],
    outputs: readonly Tensor[],
    name: string,
  ): BoundPlan => {
    const compiled = compileGraph({ inputs, outputs }, nativeKernels);
    if (compiled.variables.length > 0) {
      throw invalid(
        'Trainer',
        'merge and result of a figure must depend on the states alone',
        compiled.variables[0],
      );
    }
    const names = inputs.map(({ attributes }) => attributes.name);
    return bindSources(compiled, names, named(name, outputs), new Map());
  };
  return {
    plans: new Map(
      batches.map(({ rows, inputs, traced: figures }) => {
        const states = figures.flatMap((figure) => figure.state);
        const kept = figures.flatMap((figure) => figure.columns);
        const graph = { inputs: Object.values(inputs), outputs: [...states, ...kept] };
        const outputs = [...named('state', states), ...named('column', kept)];
        const plan = new BoundPlanChoices(graph, (compiled) =>
          bindSources(compiled, Object.keys(inputs), outputs, places),
        );
        return [rows, plan];
      }),
    ),
    state: state.map(({ dtype, size }) => ({ dtype, elements: size })),
    columns: columns.map(({ shape, dtype }) => ({ dtype, elements: sizeOf(shape.slice(1)) })),
    merge: bind([...left, ...right], merged, 'merged'),
    result: bind([...last, ...whole], results, 'figure'),
    figures: Object.keys(source.figures).map((name, i) => ({ name, shape: at(results, i).shape })),
    read: columnsRead(placed, [
      ...traced.flatMap((figure) => [...figure.state, ...figure.columns]),
      ...tensorsIn(output),
    ]),
  };
}

function traceBatch(rows: number, { forward, figures, forms }: FiguresSource) {
  const columns = placeholders({ rows, forms });
  const { inputs, targets: target, weights } = sidesOf(columns);
  const result = withoutAssignments(() => {
    const output = forward(inputs);
    const batch = { output, target, weights, rows };
    return {
      output,
      traced: Object.entries(figures).map(([name, figure]) => traceFigure(describe(name), figure, batch)),
    };
  });
  return { rows, inputs: columns, ...result };
}

function describe(name: string): string {
  return name === 'loss' ? 'the loss' : `metric ${name}`;
}

/** The part of each figure in a list of all states' tensors. */
function statesOf(traced: readonly TracedFigure[], tensors: readonly Tensor[]): Tensor[][] {
  const rest = [...tensors];
  return traced.map(({ state }) => rest.splice(0, state.length));
}

/** The part of each figure in a list of all columns. */
function columnsOf(traced: readonly TracedFigure[], tensors: readonly Tensor[]): Tensor[][] {
  const rest = [...tensors];
  return traced.map(({ columns }) => rest.splice(0, columns.length));
}

function named(name: string, outputs: readonly Tensor[]): Source[] {
  return outputs.map((_, i) => ({ kind: 'local', name: `${name} ${i}` }));
}

/** Checks that states, and the columns of one sample, do not depend on the number of rows. */
function requireAlike(
  { figures }: FiguresSource,
  traced: readonly TracedFigure[],
  first: readonly TracedFigure[],
): void {
  const stateOf = ({ state }: TracedFigure) => state.map(formatType).join(' and ');
  const rowOf = ({ columns }: TracedFigure) =>
    columns.map(({ dtype, shape }) => formatType({ dtype, shape: shape.slice(1) })).join(' and ');
  Object.keys(figures).forEach((name, i) => {
    for (const [what, formOf] of [
      ['the state', stateOf],
      ['a row of the columns', rowOf],
    ] as const) {
      const [form, expected] = [formOf(at(traced, i)), formOf(at(first, i))];
      if (form === expected) continue;
      const rule = `${what} of ${describe(name)} must be ${expected} for every number of rows`;
      throw invalid('Trainer', rule, form);
    }
  });
}

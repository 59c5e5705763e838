import { compileGraph } from '../../compile/compile.js';
import { sidesOf } from '../../data/columns.js';
import { at } from '../../graph/at.js';
import { formatType, invalid } from '../../graph/errors.js';
import { input } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Figure } from '../../nn/figure.js';
import type { BatchFunction } from '../../nn/losses/batch-loss.js';
import type { Forward } from '../../nn/model-input.js';
import { nativeKernels } from '../../runtime/native-kernels.js';
import type { BoundPlan, Source, TensorForm } from '../protocol/job.js';
import { bindSources } from './bindings.js';
import { BoundPlanChoices } from './bound-plan-choices.js';
import { parameterSources, placeholders, type ShardForm, withoutAssignments } from './compile-shard.js';
import { type TracedFigure, traceFigure } from './figure-states.js';
import type { FlatParameters } from './flat-parameters.js';

/** Source of the plans of an evaluation. */
export interface FiguresSource extends Omit<ShardForm, 'rows'> {
  readonly forward: Forward;
  /** By their names. */
  readonly figures: Readonly<Record<string, BatchFunction | Figure>>;
  readonly parameters: FlatParameters;
}

/** The plans of an evaluation, whose bindings are named `state 0`, `left 0`, `right 0`, `merged 0` and so on. */
export interface CompiledFigures {
  /** From inputs and targets to the states of a batch, by its number of rows. */
  readonly plans: ReadonlyMap<number, BoundPlanChoices>;
  /** The tensors of all figures' states. */
  readonly state: readonly TensorForm[];
  /** From the states left and right to the merged one. */
  readonly merge: BoundPlan;
  /** From the state of all rows to the figures. */
  readonly result: BoundPlan;
}

/** Compiles figures for batches of these numbers of rows. */
export function compileFigures(sizes: readonly number[], source: FiguresSource): CompiledFigures {
  const places = parameterSources(source.parameters);
  const batches = sizes.map((rows) => traceBatch(rows, source));
  const { traced } = at(batches, 0);
  const state = traced.flatMap((figure) => figure.state);
  for (const batch of batches) requireAlike(source, batch.traced, traced);
  const like = (name: string) => state.map(({ shape, dtype }, i) => input(`${name} ${i}`, shape, dtype));
  const [left, right, last] = [like('left'), like('right'), like('state')];
  const merged = withoutAssignments(() =>
    partsOf(traced, left).flatMap((part, i) => at(traced, i).merge(part, at(partsOf(traced, right), i))),
  );
  const results = withoutAssignments(() =>
    partsOf(traced, last).map((part, i) => at(traced, i).result(part)),
  );
  const bind = (inputs: typeof left, outputs: readonly Tensor[], name: string): BoundPlan => {
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
      batches.map(({ rows, columns, traced: figures }) => {
        const outputs = figures.flatMap((figure) => figure.state);
        const plan = new BoundPlanChoices({ inputs: Object.values(columns), outputs }, (compiled) =>
          bindSources(compiled, Object.keys(columns), named('state', outputs), places),
        );
        return [rows, plan];
      }),
    ),
    state: state.map(({ dtype, size }) => ({ dtype, elements: size })),
    merge: bind([...left, ...right], merged, 'merged'),
    result: bind(last, results, 'figure'),
  };
}

function traceBatch(rows: number, { forward, figures, forms }: FiguresSource) {
  const columns = placeholders({ rows, forms });
  const { inputs, targets: target, weights } = sidesOf(columns);
  const traced = withoutAssignments(() => {
    const batch = { output: forward(inputs), target, weights, rows };
    return Object.entries(figures).map(([name, figure]) => traceFigure(describe(name), figure, batch));
  });
  return { rows, columns, traced };
}

function describe(name: string): string {
  return name === 'loss' ? 'the loss' : `metric ${name}`;
}

/** The part of each figure in a list of all states' tensors. */
function partsOf(traced: readonly TracedFigure[], tensors: readonly Tensor[]): Tensor[][] {
  const rest = [...tensors];
  return traced.map(({ state }) => rest.splice(0, state.length));
}

function named(name: string, outputs: readonly Tensor[]): Source[] {
  return outputs.map((_, i) => ({ kind: 'local', name: `${name} ${i}` }));
}

function requireAlike(
  { figures }: FiguresSource,
  traced: readonly TracedFigure[],
  first: readonly TracedFigure[],
): void {
  const formOf = ({ state }: TracedFigure) => state.map(formatType).join(' and ');
  Object.keys(figures).forEach((name, i) => {
    const [form, expected] = [formOf(at(traced, i)), formOf(at(first, i))];
    if (form === expected) return;
    throw invalid(
      'Trainer',
      `the state of ${describe(name)} must be ${expected} for every number of rows`,
      form,
    );
  });
}

import { checked } from '../graph/arguments/checked.js';
import { isRecord } from '../graph/arguments/is-record.js';
import type { Kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { Tensor } from '../graph/tensor.js';
import type { WeightsOf } from './losses/loss.js';

/** The state of a figure: tensors by name. */
export type FigureState = { readonly [name: string]: Tensor };

/** The functions of a figure, written with ops. The state has the same tensors, shapes and dtypes throughout. */
export interface FigureDefinition<
  State extends FigureState = FigureState,
  Output extends object = Tensor,
  Target extends object = Tensor,
> {
  /** The state of no rows at all. Output and target of a batch tell shapes, such as the number of classes. */
  init(output: Output, target: Target): State;
  /** The state after the rows of one more batch. `weights` are those of its samples, where the data set has some. */
  update(state: State, output: Output, target: Target, weights?: WeightsOf<Target>): State;
  /** The state of the rows of both, those of `a` before those of `b`. */
  merge(a: State, b: State): State;
  /** The figure from the state of all rows: one number, or a tensor with axes, which is reported as a table. */
  result(state: State): Tensor;
}

/** What a figure keeps of each sample: tensors by name. One that is undefined is left out. */
export type FigureColumns = { readonly [name: string]: Tensor | undefined };

/** The functions of a figure that needs a value of every sample at once, written with ops. */
export interface ColumnFigureDefinition<
  Columns extends FigureColumns = FigureColumns,
  Output extends object = Tensor,
  Target extends object = Tensor,
> {
  /** What is kept of a batch: tensors whose first axis is that of its samples. */
  rows(output: Output, target: Target, weights?: WeightsOf<Target>): Columns;
  /** The figure from what was kept of all samples, in their order: one number, or a tensor with axes for a table. */
  result(columns: Columns): Tensor;
}

const ofStates = optionsOf<FigureDefinition<never>>({
  init: needed(kinds.callback()),
  update: needed(kinds.callback()),
  merge: needed(kinds.callback()),
  result: needed(kinds.callback()),
});

const ofColumns = optionsOf<ColumnFigureDefinition<never>>({
  rows: needed(kinds.callback()),
  result: needed(kinds.callback()),
});

const kindFor = (value: unknown) => (isRecord(value) && 'rows' in value ? ofColumns : ofStates);

const definition: Kind<FigureDefinition<never> | ColumnFigureDefinition<never>> = {
  description: `${ofStates.description}, or one with rows and result`,
  accepts: (value) => kindFor(value).accepts(value),
  explain: (op, name, value) => kindFor(value).explain?.(op, name, value),
};

/** A figure that `figure` has made from states. */
export class Figure<
  State extends FigureState = FigureState,
  Output extends object = Tensor,
  Target extends object = Tensor,
> {
  constructor(readonly definition: FigureDefinition<State, Output, Target>) {}
}

/** A figure that `figure` has made from columns. */
export class ColumnFigure<
  Columns extends FigureColumns = FigureColumns,
  Output extends object = Tensor,
  Target extends object = Tensor,
> {
  constructor(readonly definition: ColumnFigureDefinition<Columns, Output, Target>) {}
}

/** The value of a figure whose result has axes: its shape, and the elements row by row. */
export interface FigureTable {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** The ways to make a figure: from a state, or from columns. */
export interface MakeFigure {
  <State extends FigureState, Output extends object = Tensor, Target extends object = Tensor>(
    definition: FigureDefinition<State, Output, Target>,
  ): Figure<State, Output, Target>;
  <Columns extends FigureColumns, Output extends object = Tensor, Target extends object = Tensor>(
    definition: ColumnFigureDefinition<Columns, Output, Target>,
  ): ColumnFigure<Columns, Output, Target>;
}

/**
 * A figure of a data set that is not a mean of its batches: a metric for a `Trainer`. Each batch gives a state, the
 * states are merged in the order of the batches, and the result is taken once, from that of all rows. So it does not
 * depend on the size of the batches, apart from rounding, and has the same bits for any number of workers.
 *
 *     const r2 = nn.figure({
 *       init: () => ({ n: zeros([], 'float64'), y: zeros([], 'float64'), yy: zeros([], 'float64'), rr: zeros([], 'float64') }),
 *       update: ({ n, y, yy, rr }, output, target) => {
 *         const exact = target.cast('float64');
 *         const rest = exact.sub(output.cast('float64'));
 *         return {
 *           n: n.add(exact.size),
 *           y: y.add(exact.sum()),
 *           yy: yy.add(exact.square().sum()),
 *           rr: rr.add(rest.square().sum()),
 *         };
 *       },
 *       merge: (a, b) => ({ n: a.n.add(b.n), y: a.y.add(b.y), yy: a.yy.add(b.yy), rr: a.rr.add(b.rr) }),
 *       result: ({ n, y, yy, rr }) => sub(1, rr.div(yy.sub(y.square().div(n)))),
 *     });
 *     const trainer = new Trainer(model, { loss: nn.mseLoss, optimizer, metrics: { r2 } });
 *
 * Sums in float64 and counts in int32 or float64 are exact for longer than those in float32.
 *
 * A figure that no state of fixed size can hold, such as a median, keeps what it needs of every sample, and takes its
 * result from whole columns, on a thread of its own: the same bits for any size of batches, too.
 *
 *     const medianError = nn.figure({
 *       rows: (output, target) => ({ error: output.sub(target).abs() }),
 *       result: ({ error }) => sort(error.flatten()).slice([[error.size >> 1, (error.size >> 1) + 1]]),
 *     });
 *
 * @throws if one of the functions is missing
 */
export const figure: MakeFigure = checked('figure', { definition }, make);

function make<State extends FigureState, Output extends object, Target extends object>(
  definition: FigureDefinition<State, Output, Target>,
): Figure<State, Output, Target>;
function make<Columns extends FigureColumns, Output extends object, Target extends object>(
  definition: ColumnFigureDefinition<Columns, Output, Target>,
): ColumnFigure<Columns, Output, Target>;
function make(given: FigureDefinition | ColumnFigureDefinition): Figure | ColumnFigure {
  return 'rows' in given ? new ColumnFigure(given) : new Figure(given);
}

import { checked } from '../graph/arguments/checked.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import type { Structure } from '../graph/structure.js';
import type { Tensor } from '../graph/tensor.js';

/** The state of a figure: tensors by name. */
export type FigureState = { readonly [name: string]: Tensor };

/** The functions of a figure, written with ops. The state has the same tensors, shapes and dtypes throughout. */
export interface FigureDefinition<
  State extends FigureState = FigureState,
  Output extends Structure<Tensor> = Tensor,
  Target extends Structure<Tensor> = Tensor,
> {
  /** The state of no rows at all. */
  init(): State;
  /** The state after the rows of one more batch. `weights` are those of its samples, where the data set has some. */
  update(state: State, output: Output, target: Target, weights?: Structure<Tensor>): State;
  /** The state of the rows of both, those of `a` before those of `b`. */
  merge(a: State, b: State): State;
  /** The figure, one float, from the state of all rows. */
  result(state: State): Tensor;
}

const definition = optionsOf<FigureDefinition<never>>({
  init: needed(kinds.callback()),
  update: needed(kinds.callback()),
  merge: needed(kinds.callback()),
  result: needed(kinds.callback()),
});

/** A figure that `figure` has made. */
export class Figure<
  State extends FigureState = FigureState,
  Output extends Structure<Tensor> = Tensor,
  Target extends Structure<Tensor> = Tensor,
> {
  constructor(readonly definition: FigureDefinition<State, Output, Target>) {}
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
 * @throws if one of the four functions is missing
 */
export const figure = checked(
  'figure',
  { definition },
  <
    State extends FigureState,
    Output extends Structure<Tensor> = Tensor,
    Target extends Structure<Tensor> = Tensor,
  >(
    functions: FigureDefinition<State, Output, Target>,
  ): Figure<State, Output, Target> => new Figure(functions),
);

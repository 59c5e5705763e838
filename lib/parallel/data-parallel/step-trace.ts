import { weightedGradients } from '../../autodiff/weighted-gradients.js';
import { at } from '../../graph/at.js';
import { context, within } from '../../graph/context.js';
import { type DType, isFloat, type TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { full, type InputAttributes, input, Variable } from '../../graph/leaf.js';
import { isAllReduce, reachable, type Tensor } from '../../graph/tensor.js';
import { type Trace, traced } from '../../graph/trace.js';
import { type FigureKind, requireNoTotal, type Sums, sumsOf } from '../../nn/losses/sums.js';
import { cast, mul } from '../../ops/primitives/elementwise.js';
import { requireNotOfTotal } from '../../optim/gradient-loss.js';
import { collectUpdates, type UpdateRequest } from '../../optim/requests.js';
import type { RandomState } from '../../runtime/executable.js';
import { FUNCTION, findNonFinite, type NonFiniteOp, originOf } from '../../runtime/non-finite.js';
import { type Result, requireOwnInputs, tensorsOf } from '../../runtime/traced-results.js';
import { bindShard, requireConstantWeight, weightInputs } from '../prepare/compile-shard.js';
import type { BoundPlan, StepJob } from '../protocol/job.js';
import { LOSS, LOSS_WEIGHT } from '../protocol/shares.js';
import type { StepLayout } from './step-layout.js';

/** How the gradients of shards are added up: those of their means by rows, of their sums, or by weights of their own. */
interface Shares {
  readonly kind: FigureKind;
  /** Of the shard, if the kind is 'ratio'. */
  readonly weight?: Tensor | undefined;
  /** The loss that the gradients are of, if it is one alone. */
  readonly loss?: Tensor | undefined;
  /** Its sums, if the weight is theirs. */
  readonly sums?: Sums;
  /** The share of a loss, or of a gradient; left out for a mean by rows. */
  readonly of?: (x: Tensor) => Tensor;
}

/** A function of a batch, traced for shards of `rows` rows. */
export interface StepTrace {
  readonly rows: number;
  readonly inputs: readonly Tensor<InputAttributes>[];
  readonly result: Result;
  /** The scalar tensors of the result. */
  readonly scalars: readonly Tensor[];
  /** The result tensors that have the shard's rows. */
  readonly joined: readonly Tensor[];
  readonly request: UpdateRequest | undefined;
  /** How the shards' gradients make those of the batch. */
  readonly shares: Shares;
  readonly trace: Trace;
}

/** Traces a function for shards of `rows` rows of a batch of `all`; the leading axis of `like` is ignored. */
export function traceStep(
  fn: (...args: Tensor[]) => Result,
  like: readonly Tensor[],
  { rows, all }: { readonly rows: number; readonly all: number },
): StepTrace {
  const inputs = like.map(({ shape, dtype }, i) => input(`argument ${i}`, [rows, ...shape.slice(1)], dtype));
  const { result: found, trace } = traced(() => {
    const requests = collectUpdates();
    return {
      result: within({ ...context(), origin: context().origin ?? FUNCTION }, () => fn(...inputs)),
      requests,
    };
  }, rows < all);
  const { result, requests } = found;
  if (requests.length > 1) {
    throw invalid('dataParallel', 'the function may make one optimiser step', requests.length);
  }
  const [request] = requests;
  const outputs = [...new Set(tensorsOf('dataParallel', result))];
  for (const output of outputs) {
    requireScalarOrRows(output, rows);
    if (output.ndim === 0 && !sumsOf(output)) requireNoTotal('dataParallel', 'a scalar result', output);
  }
  requireOwnInputs('dataParallel', inputs, [
    ...outputs,
    ...(request?.gradients ?? []),
    ...trace.assignments.values(),
  ]);
  return {
    rows,
    inputs,
    result,
    scalars: outputs.filter(({ ndim }) => ndim === 0),
    joined: outputs.filter(({ ndim }) => ndim > 0),
    request,
    shares: request ? sharesOf(request, trace) : { kind: 'mean' },
    trace,
  };
}

/** Compiles a traced shard. */
export function compileStep(
  { inputs, scalars, joined, request, shares, trace }: StepTrace,
  { flat, changes, update }: StepLayout,
): BoundPlan {
  const dtype = flat.elements > 0 ? flat.memory.dtype : (scalars[0]?.dtype ?? 'float32');
  const { weight, multiple, ...weights } = weightInputs(dtype, update.accumulate > 1);
  const weigh = weigher(weight);
  requireConstantWeight('dataParallel', shares.weight, flat.parameters);
  const isHidden = shares.loss && !scalars.includes(shares.loss);
  const figures = [
    ...scalars.flatMap((node, i): [string, Tensor][] => {
      const { sum, weight: own } = sumsOf(node) ?? { sum: weigh(node) };
      return [[scalarName(i), sum], ...(own ? [[weightName(i), exactly(own)] as [string, Tensor]] : [])];
    }),
    ...(isHidden ? [[LOSS, shares.sums?.sum ?? weigh(shares.loss)] as [string, Tensor]] : []),
    ...(shares.weight ? [[LOSS_WEIGHT, exactly(shares.weight)] as [string, Tensor]] : []),
    ...joined.map((node, i): [string, Tensor] => [joinedName(i), node]),
  ];
  const slopes = new Map(request?.parameters.map((x, i) => [x, at(request.gradients, i)]));
  const gradients = flat.parameters.map((x) => slopes.get(x) as Tensor);
  const shard = {
    inputs: {
      ...Object.fromEntries(inputs.map((node, i) => [argumentName(i), node])),
      ...weights.inputs,
    },
    figures: Object.fromEntries(figures),
    gradients: weightedGradients(
      trace,
      flat.parameters,
      gradients,
      shares.of ?? (multiple === weight ? weigh : weigher(multiple)),
    ),
    assignments: trace.assignments,
    weight,
  };
  return bindShard(shard, flat, changes.assigned).quickest;
}

/** The op of a traced shard that made the first value of its update that is not finite, for given arguments. */
export async function culpritOf(
  { inputs, request, trace }: StepTrace,
  values: readonly TypedArray[],
  random: RandomState,
): Promise<NonFiniteOp | null> {
  const assigned = [...trace.assignments.values()].filter(({ dtype }) => isFloat(dtype));
  const roots = [...(request?.gradients ?? []), ...assigned];
  // Of those, the loss comes first: its gradients cannot be finite if it is not.
  const losses = [...new Set([...trace.gradientCalls.values()].map(({ loss }) => loss))];
  const { first } = await findNonFinite([...losses, ...roots], originOf, { random, inputs, values });
  return first;
}

/** The name of the figure that holds a shard's share of the loss, and that of the weight which divides it, if any does. */
export function lossFigure({ scalars, shares }: StepTrace): StepJob['loss'] {
  if (!shares.loss) return undefined;
  const index = scalars.indexOf(shares.loss);
  if (index < 0)
    return shares.sums?.weight === undefined ? { sum: LOSS } : { sum: LOSS, weight: LOSS_WEIGHT };
  const divides = sumsOf(shares.loss)?.weight !== undefined;
  return { sum: scalarName(index), ...(divides ? { weight: weightName(index) } : {}) };
}

/** What a traced shard computes. */
export function rootsOf({ scalars, joined, request, trace }: StepTrace): Tensor[] {
  return [...scalars, ...joined, ...(request?.gradients ?? []), ...trace.assignments.values()];
}

/** True if the shard exchanges values with the others. */
export function exchanges(trace: StepTrace): boolean {
  return reachable(rootsOf(trace)).some(isAllReduce);
}

/**
 * Checks that gradients through values of other shards are used as `grad` returned them: only those can be taken of
 * losses that are weighted by the rows of their shards.
 */
export function requireDirectGradients({ request, trace }: StepTrace): void {
  const { gradientCalls, assignments } = trace;
  const changed = (request?.gradients ?? []).filter((gradient) => !gradientCalls.has(gradient));
  const found = reachable([...changed, ...assignments.values()]).find((node) => gradientCalls.has(node));
  if (!found) return;
  const expected =
    'with batch normalisation over the batch, gradients must reach the optimiser as grad returns them, unless all shards ' +
    "have the same number of rows; the layers' option statistics: 'shard' has no such rule";
  throw invalid('dataParallel', expected);
}

/** The variables that a traced shard reads in place, with their current memory. */
export function readInPlace(trace: StepTrace, { flat }: StepLayout): (readonly [Variable, TypedArray])[] {
  return reachable(rootsOf(trace))
    .filter((node): node is Variable => node instanceof Variable && !flat.offsets.has(node))
    .map((variable) => [variable, variable.storage.data]);
}

export const argumentName = (index: number) => `argument ${index}`;
export const scalarName = (index: number) => `scalar result ${index}`;
export const weightName = (index: number) => `weight of scalar result ${index}`;
export const joinedName = (index: number) => `result ${index}`;

/** How the gradients of shards that a function hands to its optimiser are added up. */
function sharesOf({ gradients, shares }: UpdateRequest, trace: Trace): Shares {
  const { kind, weight, loss, sums } = shares;
  if (kind === 'mean') requireNotOfTotal('dataParallel', gradients, trace);
  if (sums) return { kind, weight, loss, sums, of: () => sums.sum };
  return { kind, weight, loss, ...(weight ? { of: weigher(weight) } : {}) };
}

const exactly = (weight: Tensor | number): Tensor =>
  typeof weight === 'number' ? full([], weight, 'float64') : cast(weight, 'float64');

/** Returns a function that multiplies tensors by the weight, each tensor only once. */
function weigher(weight: Tensor): (x: Tensor) => Tensor {
  const byDType = new Map<DType, Tensor>([[weight.dtype, weight]]);
  const known = new Map<Tensor, Tensor>();
  return (x) => {
    const own = byDType.get(x.dtype) ?? cast(weight, x.dtype);
    byDType.set(x.dtype, own);
    const weighed = known.get(x) ?? mul(x, own);
    known.set(x, weighed);
    return weighed;
  };
}

function requireScalarOrRows({ shape, dtype }: Tensor, rows: number): void {
  if (shape.length === 0 && !isFloat(dtype)) {
    throw invalid('dataParallel', 'a scalar result must be a float, of which the mean can be taken', dtype);
  }
  if (shape.length === 0 || shape[0] === rows) return;
  const expected = `a result must be a scalar, or have the ${rows} rows of the arguments as its first axis`;
  throw invalid('dataParallel', expected, shape);
}

import { grad } from '../../autodiff/grad.js';
import { type Columns, mapColumns, sidesOf } from '../../data/columns.js';
import type { Form } from '../../data/index.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import { bytesPerElement, type DType, isFloat } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { type InputAttributes, input, ones, type Variable } from '../../graph/leaf.js';
import type { Shape } from '../../graph/shapes.js';
import { mapStructure, type Structure } from '../../graph/structure.js';
import { Tensor } from '../../graph/tensor.js';
import { traced } from '../../graph/trace.js';
import { Buffer } from '../../nn/buffer.js';
import type { BatchFunction } from '../../nn/losses/batch-loss.js';
import { type FigureKind, requireAllTerms } from '../../nn/losses/sums.js';
import type { Forward, Tensors } from '../../nn/model-input.js';
import { accumulateGradients } from '../../ops/primitives/backward.js';
import { cast, mul } from '../../ops/primitives/elementwise.js';
import type { FactorLayout, Source } from '../protocol/job.js';
import { bindSources, placeAt } from './bindings.js';
import { BoundPlanChoices } from './bound-plan-choices.js';
import { type FlatParameters, mustStayFinite } from './flat-parameters.js';
import { shareOf } from './loss-share.js';
import { ShardsAtOnce } from './shards-at-once.js';
import { factorsOf, shardElements } from './weight-products.js';

/** Number of rows of a shard, and the forms of its columns for each. */
export interface ShardForm {
  readonly rows: number;
  readonly forms: Columns<Form>;
}

/** Shapes of the model's outputs for one sample. */
export function outputShapes(forward: Forward, form: ShardForm): Structure<Shape> {
  const { inputs } = sidesOf(placeholders(form));
  return shapesOf(traced(() => forward(inputs)).result);
}

/** The shapes of outputs for one sample. */
export function shapesOf(outputs: Tensors): Structure<Shape> {
  return mapStructure(outputs, kinds.tensor, ({ shape }) => shape.slice(1));
}

/** The traced gradients of a shard, and the kind of its loss. */
export interface ShardGradients {
  readonly rows: number;
  readonly shard: TracedShard;
  readonly kind: FigureKind;
}

/**
 * The inputs by which shards are weighed: `weight`, the share of the rows of the batch, and for gradients `multiple`, the
 * rows as a multiple of `unit` (see `StepBatch`). They are the same unless an update adds up several steps.
 */
export function weightInputs(dtype: DType, accumulates: boolean) {
  const weight = input('weight', [], dtype);
  if (!accumulates) return { weight, multiple: weight, inputs: { weight } };
  const multiple = input('multiple', [], dtype);
  return { weight, multiple, inputs: { weight, multiple } };
}

/**
 * Traces the gradients of a shard's share of the loss. The share of a mean is the mean of the shard times its weight; that
 * of other losses is the shard's sum, with the weight that divides it as another figure.
 *
 * @param accumulates true if an update adds up several steps
 * @param sharded true if there may be other shards, with which this one exchanges what concerns the whole batch
 */
export function traceGradients(
  forward: Forward,
  loss: BatchFunction,
  form: ShardForm,
  flat: FlatParameters,
  { accumulates, sharded }: { readonly accumulates: boolean; readonly sharded: boolean },
): ShardGradients {
  const columns = placeholders(form);
  const { inputs, targets, weights } = sidesOf(columns);
  const { weight, multiple, inputs: scalars } = weightInputs(flat.memory.dtype, accumulates);
  const { parameters } = flat;
  const { result, trace } = traced(() => {
    const terms = requireAllTerms('Trainer', 'the loss', loss(forward(inputs), targets, weights));
    for (const term of terms) requireConstantWeight('Trainer', term.weight, parameters);
    return shareOf(terms, multiple, accumulates);
  }, sharded);
  const { assignments } = trace;
  for (const variable of assignments.keys()) requireBuffer(variable, flat);
  const shard = {
    inputs: { ...columns, ...scalars },
    figures: { loss: result.share, ...(result.weight ? { lossWeight: cast(result.weight, 'float64') } : {}) },
    gradients: grad(result.share, parameters),
    assignments,
    weight,
  };
  return { rows: form.rows, shard, kind: result.kind };
}

/** Checks that no gradient flows through the weight, since the sums of all shards are divided by one number. */
export function requireConstantWeight(
  op: string,
  weight: Tensor | number | undefined,
  parameters: readonly Variable[],
): void {
  if (!(weight instanceof Tensor) || !isFloat(weight.dtype)) return;
  const found = accumulateGradients([weight], [ones(weight.shape, weight.dtype)], parameters);
  const at = found.findIndex((gradient) => gradient !== undefined);
  if (at < 0) return;
  const expected =
    'the weight of the loss must not depend on the parameters, since the sum over all shards is divided by it once; ' +
    'stopGradient(weight) takes it as a constant';
  throw invalid(op, expected, parameters[at]);
}

/** A traced function of a shard's rows. */
export interface TracedShard {
  /** Input nodes by the names of their values. */
  readonly inputs: Readonly<Record<string, Tensor<InputAttributes>>>;
  /** Results other than gradients, by name. */
  readonly figures: Readonly<Record<string, Tensor>>;
  /** Weighted gradients of the flat parameters, in their order. */
  readonly gradients: readonly Tensor[];
  readonly assignments: ReadonlyMap<Variable, Tensor>;
  /** The shard's share of the rows. */
  readonly weight: Tensor;
}

/** The gradients that are left as factors, by shards of `rows` rows. */
export interface ShardFactors {
  readonly layout: FactorLayout;
  readonly rows: number;
}

/**
 * Compiles a traced shard: its gradients go to the shard's slot, followed by its share of the values assigned to
 * buffers. Of gradients that are not stored, the factors go to their places for the shard.
 *
 * @param assigned the buffers that shards of any size assign
 */
export function bindShard(
  shard: TracedShard,
  flat: FlatParameters,
  assigned: readonly Variable[],
  factors?: ShardFactors,
): BoundPlanChoices {
  return bind(shard.inputs, outputsOf(shard, flat, assigned, factors), flat);
}

/**
 * The same for `count` neighbouring shards at once, whose slot gets the sum of what each would store. Undefined if the
 * graph cannot be computed so, or if there is nothing to gain.
 */
export function bindShards(
  { count, rows }: { readonly count: number; readonly rows: number },
  shard: TracedShard,
  flat: FlatParameters,
  assigned: readonly Variable[],
  factors?: ShardFactors,
): BoundPlanChoices | undefined {
  const all = new ShardsAtOnce(count, rows);
  const inputs = Object.fromEntries(
    Object.entries(shard.inputs).map(([name, one]) => {
      const [first, ...rest] = one.shape;
      // The weights of all shards are equal.
      if (first === undefined) return [name, one];
      const many = input(one.attributes.name, [count * first, ...rest], one.dtype);
      all.bind(one, many);
      return [name, many];
    }),
  );
  const outputs = outputsOf(shard, flat, assigned, factors);
  const valuesOf = (some: readonly Output[]) => some.map(({ value }) => value);
  const isSum = ({ source }: Output) => source.kind === 'gradient';
  const [summed, others] = [outputs.filter(isSum), outputs.filter((one) => !isSum(one))];
  if (!all.extend(valuesOf(others), valuesOf(summed)) || !all.pays) return undefined;
  const extended = outputs.map((output) => {
    const { value, source } = output;
    if (isSum(output)) return { value: all.sum(value), source };
    return { value: source.kind === 'factor' ? all.joined(value) : all.each(value), source };
  });
  return bind(inputs, extended, flat);
}

/** A value that a plan computes, and its place. */
interface Output {
  readonly value: Tensor;
  readonly source: Source;
}

function outputsOf(
  { figures, gradients, assignments, weight }: TracedShard,
  flat: FlatParameters,
  assigned: readonly Variable[],
  factors: ShardFactors | undefined,
): Output[] {
  const named = Object.entries(figures).map(
    ([name, value]): Output => ({ value, source: { kind: 'local', name } }),
  );
  const stored = flat.parameters.flatMap((x, i) =>
    storedOf(at(gradients, i), offsetOf(flat, x), flat, factors),
  );
  const shares = assigned.map(
    (x): Output => ({
      value: mul(assignments.get(x) ?? x, weight),
      source: {
        kind: 'gradient',
        byteOffset: offsetOf(flat, x) * bytesPerElement(flat.memory.dtype),
        unmeasured: !mustStayFinite(x),
      },
    }),
  );
  return [...named, ...stored, ...shares];
}

function bind(
  inputs: TracedShard['inputs'],
  outputs: readonly Output[],
  flat: FlatParameters,
): BoundPlanChoices {
  const graph = { inputs: Object.values(inputs), outputs: outputs.map(({ value }) => value) };
  const sources = outputs.map(({ source }) => source);
  const places = parameterSources(flat);
  return new BoundPlanChoices(graph, (compiled) =>
    bindSources(compiled, Object.keys(inputs), sources, places),
  );
}

/** What a shard stores of a gradient, and where: the gradient itself, or its factors. */
function storedOf(
  gradient: Tensor,
  offset: number,
  { memory }: FlatParameters,
  factors: ShardFactors | undefined,
): Output[] {
  const bytes = bytesPerElement(memory.dtype);
  const product = factors?.layout.products.find(({ start }) => start === offset);
  if (!factors || !product) {
    return [{ value: gradient, source: { kind: 'gradient', byteOffset: offset * bytes } }];
  }
  const found = factorsOf(gradient);
  if (!found || at(found.a.shape, 0) !== factors.rows * product.perRow) {
    throw invalid(
      'Trainer',
      'the gradient of a weight must be the same product for every number of rows',
      gradient,
    );
  }
  const source = (start: number, columns: number): Source => ({
    kind: 'factor',
    byteOffset: start * bytes,
    shardBytes: shardElements(factors.layout, product, columns) * bytes,
  });
  return [
    { value: found.a, source: source(product.aStart, product.rows) },
    { value: found.b, source: source(product.bStart, product.columns) },
  ];
}

/** Inputs of a graph for the rows of a shard, by column. */
export function placeholders({ rows, forms }: ShardForm): Columns<Tensor<InputAttributes>> {
  return mapColumns(forms, ({ shape, dtype }, name) => input(name, [rows, ...shape], dtype));
}

/** Traces a function that must not assign variables: outside of training, assignments would be lost. */
export function withoutAssignments<R>(fn: () => R): R {
  const { result, trace } = traced(fn);
  if (trace.assignments.size > 0) {
    throw invalid('Trainer', 'forward must not assign variables in inference');
  }
  return result;
}

function requireBuffer(variable: Variable, { offsets, parameters, memory }: FlatParameters): void {
  if (variable instanceof Buffer && variable.dtype !== memory.dtype) {
    throw invalid('Trainer', `buffers that forward assigns must be ${memory.dtype}`, variable.dtype);
  }
  if (offsets.has(variable) && !parameters.includes(variable)) return;
  throw invalid('Trainer', 'forward must not assign variables other than buffers of the model', variable);
}

function offsetOf({ offsets }: FlatParameters, variable: Variable): number {
  return offsets.get(variable) as number;
}

/** The places of parameters and buffers in the flat memory. */
export function parameterSources(flat: FlatParameters): Map<Variable, Source> {
  return new Map(
    [...flat.offsets.keys()].map((parameter): [Variable, Source] => [
      parameter,
      placeAt(flat.memory, flat.offsets.get(parameter) as number),
    ]),
  );
}

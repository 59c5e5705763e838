import { grad } from '../autodiff/grad.js';
import { type Compiled, compileGraph } from '../compile/compile.js';
import type { Field } from '../data/index.js';
import { bytesPerElement, isFloat } from '../graph/dtype.js';
import { invalid } from '../graph/errors.js';
import { cast, mul } from '../graph/ops/elementwise.js';
import { input, Variable } from '../graph/ops/leaf.js';
import type { Shape } from '../graph/shapes.js';
import { Storage } from '../graph/storage.js';
import type { Tensor } from '../graph/tensor.js';
import { traced } from '../graph/trace.js';
import { Buffer } from '../nn/buffer.js';
import type { UpdateRule } from '../optim/index.js';
import type { FlatParameters } from './flat-parameters.js';
import type { BoundPlan, Range, SharedMemory, SliceUpdate, Source } from './job.js';
import { shardRows } from './shards.js';

/** A model and a loss as one function of a batch. */
export type Forward = (inputs: Tensor) => Tensor;
export type Figure = (output: Tensor, target: Tensor) => Tensor;

interface Batch {
  readonly rows: number;
  readonly inputs: Field;
  readonly targets: Field;
}

/** The shape of the model's output for one sample. */
export function outputShape(forward: Forward, batch: Batch): Shape {
  return traced(() => forward(asModelInput(placeholders(batch).x))).result.shape.slice(1);
}

/** The gradients of a shard, and the buffers that it assigns. */
export interface ShardGradients {
  readonly bound: BoundPlan;
  readonly assigned: readonly Variable[];
}

/**
 * The gradients of a shard's share of the loss, written to the shard's own memory, and behind them the shard's share of
 * the values that `forward` assigns to buffers.
 *
 * @param alsoAssigned buffers to give a value in any case, because shards of other sizes assign them
 */
export function compileGradients(
  forward: Forward,
  loss: Figure,
  batch: Batch,
  flat: FlatParameters,
  alsoAssigned: readonly Variable[] = [],
): ShardGradients {
  const { x, y } = placeholders(batch);
  const weight = input('weight', [], flat.memory.dtype);
  const { parameters } = flat;
  const { result, trace } = traced(() => mul(loss(forward(asModelInput(x)), y), weight));
  const share = result;
  const { assignments } = trace;
  for (const variable of assignments.keys()) requireBuffer(variable, flat);
  const assigned = [...new Set([...assignments.keys(), ...alsoAssigned])];
  if (share.size !== 1) throw invalid('Trainer', 'the loss must be a scalar', share.shape);
  const gradients = grad(share, parameters);
  const shares = assigned.map((variable) => mul(assignments.get(variable) ?? variable, weight));
  const compiled = compileGraph({ inputs: [x, y, weight], outputs: [share, ...gradients, ...shares] });
  const outputs: Source[] = [
    { kind: 'local', name: 'loss' },
    ...[...parameters, ...assigned].map(
      (variable): Source => ({ kind: 'gradient', byteOffset: byteOffset(flat, variable) }),
    ),
  ];
  const bound = bindSources(compiled, ['inputs', 'targets', 'weight'], outputs, parameterSources(flat));
  return { bound, assigned };
}

/** Where variables lie in the flat memory. */
export function rangesOf({ offsets }: FlatParameters, variables: Iterable<Variable>): Range[] {
  return [...variables].map((variable) => {
    const start = offsets.get(variable) as number;
    return { start, end: start + variable.size };
  });
}

/** Figures of a batch: its loss, its metrics. */
export function compileFigures(
  forward: Forward,
  figures: Readonly<Record<string, Figure>>,
  batch: Batch,
  flat: FlatParameters,
): BoundPlan {
  const { x, y } = placeholders(batch);
  const values = withoutAssignments(() => {
    const output = forward(asModelInput(x));
    return Object.values(figures).map((figure) => figure(output, y));
  });
  const compiled = compileGraph({ inputs: [x, y], outputs: values });
  const outputs = Object.keys(figures).map((name): Source => ({ kind: 'local', name }));
  return bindSources(compiled, ['inputs', 'targets'], outputs, parameterSources(flat));
}

/** The optimiser's update of one worker's slice of all parameters, in place; null where the slice is empty. */
export function compileUpdate(
  rule: UpdateRule,
  scalarCount: number,
  flat: FlatParameters,
  gradients: SharedMemory,
  state: readonly SharedMemory[],
  share: { rank: number; workers: number },
): SliceUpdate | null {
  const { start, count } = alignedSlice(flat.parameterElements, share.workers, share.rank);
  if (count === 0) return null;
  const { dtype } = flat.memory;
  const gradient = input('gradient', [count], dtype);
  const scalars = Array.from({ length: scalarCount }, (_, i) => input(`scalar ${i}`, [], 'float64'));
  const slice = () => new Variable(new Storage([count], dtype));
  const parameter = slice();
  const kept = state.map(slice);
  const rates = scalars.map((scalar) => cast(scalar, dtype));
  const next = rule.update(parameter, gradient, kept, rates);
  const assignments = new Map([[parameter, next.parameter]]);
  kept.forEach((variable, i) => {
    assignments.set(variable, next.state[i] as Tensor);
  });
  const compiled = compileGraph({ inputs: [gradient, ...scalars], outputs: [], assignments });
  const offset = start * bytesPerElement(dtype);
  const at = ({ buffer }: SharedMemory): Source => ({ kind: 'shared', buffer, byteOffset: offset });
  const places = new Map([[parameter, at(flat.memory)]]);
  kept.forEach((variable, i) => {
    places.set(variable, at(state[i] as SharedMemory));
  });
  const names = scalars.map((_, i) => `scalar ${i}`);
  const bound = bindSources(compiled, [at(gradients), ...names], [], places);
  return { ...bound, start, end: start + count };
}

/** A worker's slice, cut at cache lines so that no two workers write to one. */
function alignedSlice(elements: number, workers: number, rank: number) {
  const line = 16;
  const { start, count } = shardRows(Math.ceil(elements / line), workers, rank);
  const end = Math.min(elements, (start + count) * line);
  return { start: start * line, count: Math.max(0, end - start * line) };
}

function placeholders({ rows, inputs, targets }: Batch) {
  return {
    x: input('inputs', [rows, ...inputs.shape], inputs.dtype),
    y: input('targets', [rows, ...targets.shape], targets.dtype),
  };
}

/** Bytes are numbers on the way in; integers are left as they are, for embeddings. */
function asModelInput(x: Tensor): Tensor {
  return isFloat(x.dtype) || x.dtype === 'int32' ? x : cast(x, 'float32');
}

/** Only what training assigns is kept, so an assignment elsewhere would be lost. */
function withoutAssignments<R>(fn: () => R): R {
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

function byteOffset({ offsets, memory }: FlatParameters, parameter: Variable): number {
  return (offsets.get(parameter) as number) * bytesPerElement(memory.dtype);
}

function parameterSources(flat: FlatParameters): Map<Variable, Source> {
  return new Map(
    [...flat.offsets.keys()].map((parameter): [Variable, Source] => [
      parameter,
      { kind: 'shared', buffer: flat.memory.buffer, byteOffset: byteOffset(flat, parameter) },
    ]),
  );
}

/** Finds each binding's source; a variable that is no parameter is read where it is. */
function bindSources(
  { plan, variables, hostScalars }: Compiled,
  inputs: readonly (string | Source)[],
  outputs: readonly Source[],
  parameters: ReadonlyMap<Variable, Source>,
): BoundPlan {
  if (hostScalars.length > 0) throw invalid('Trainer', 'forward must not depend on values of the host');
  const given = inputs.values();
  const storages = variables.values();
  const results = outputs.values();
  const sources = plan.bindings.map(({ kind }): Source => {
    if (kind === 'constant') return { kind };
    if (kind === 'output') return results.next().value as Source;
    if (kind === 'variable') {
      const variable = storages.next().value as Variable;
      return parameters.get(variable) ?? ownMemory(variable);
    }
    const source = given.next().value as string | Source;
    return typeof source === 'string' ? { kind: 'local', name: source } : source;
  });
  return { plan, sources };
}

function ownMemory(variable: Variable): Source {
  const { buffer, byteOffset } = variable.storage.data;
  return { kind: 'shared', buffer: buffer as SharedArrayBuffer, byteOffset };
}

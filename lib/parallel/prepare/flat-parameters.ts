import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { Shape } from '../../graph/shapes.js';
import { isTrainable, type Optimizer } from '../../optim/optimizer.js';
import { addon } from '../../runtime/addon.js';
import type { SharedMemory, Slice } from '../protocol/job.js';
import { sharedMemory, viewInto } from '../protocol/shared-memory.js';

/** Alignment of parameters in elements, so that each one starts on a cache line. */
export const ALIGNMENT = 16;

/** A stretch of the flat memory whose parameters belong to one optimiser group. */
export interface ParameterRun extends Slice {
  /** Index of the optimiser group. */
  readonly group: number;
  readonly parameters: readonly Variable[];
  /** Shape that the rule of the group works on. */
  readonly shape: Shape;
  /** True if workers may update parts of it; otherwise it is a single parameter. */
  readonly divisible: boolean;
}

/**
 * All trainable parameters in one block of shared memory, grouped by optimiser group, followed by the buffers that
 * training may assign. Slices may cut through parameters.
 */
export interface FlatParameters {
  readonly memory: SharedMemory;
  /** Length of the memory in elements. */
  readonly elements: number;
  /** Length of the parameter part in elements; it comes first. */
  readonly trainableElements: number;
  /** The parameters, in memory order. */
  readonly parameters: readonly Variable[];
  /** The parameter runs, in memory order. */
  readonly runs: readonly ParameterRun[];
  /** The first element of each parameter and buffer. */
  readonly offsets: ReadonlyMap<Variable, number>;
}

/**
 * Moves the trainable parameters, and the buffers of their dtype, into one block of shared memory, where workers update
 * them in place from then on. Frozen parameters are not moved.
 *
 * @param optimizer of the parameters; left out if there are only buffers
 */
export function flattenParameters(
  parameters: readonly Variable[],
  buffers: readonly Variable[],
  optimizer?: Optimizer,
): FlatParameters {
  const dtype = optimizer ? commonDType(parameters) : (buffers[0]?.dtype ?? 'float32');
  const trainable = trainedOf(parameters);
  const offsets = new Map<Variable, number>();
  const runs: ParameterRun[] = [];
  let elements = 0;
  const place = (variables: readonly Variable[]): Slice => {
    const start = elements;
    for (const variable of variables) {
      offsets.set(variable, elements);
      elements += Math.ceil(variable.size / ALIGNMENT) * ALIGNMENT;
    }
    return { start, end: elements };
  };
  optimizer?.groups.forEach(({ rule }, group) => {
    const members = trainable.filter((parameter) => optimizer.groupOf(parameter) === group);
    const parts = rule.whole ? members.map((parameter) => [parameter]) : [members];
    for (const part of parts) {
      const range = place(part);
      if (range.start === range.end) continue;
      const shape = rule.whole ? at(part, 0).shape : [range.end - range.start];
      runs.push({ ...range, group, parameters: part, shape, divisible: !rule.whole });
    }
  });
  const trainableElements = elements;
  place(buffers.filter((buffer) => buffer.dtype === dtype));
  const flat = {
    memory: sharedMemory(dtype, elements),
    elements,
    trainableElements,
    parameters: runs.flatMap((run) => run.parameters),
    runs,
    offsets,
  };
  attachParameters(flat);
  return flat;
}

/** Moves parameters and buffers back into the flat memory, with their current values, if another owner moved them. */
export function attachParameters({ memory, offsets }: FlatParameters): void {
  for (const [variable, offset] of offsets) {
    if (variable.storage.data.buffer === memory.buffer) continue;
    variable.storage.moveTo(viewInto(memory, offset, offset + variable.size));
  }
}

/** True if the set of trainable parameters has changed since the memory was laid out. */
export function isOutdated(flat: FlatParameters, parameters: readonly Variable[]): boolean {
  const trainable = trainedOf(parameters);
  return (
    trainable.length !== flat.parameters.length ||
    trainable.some((parameter) => !flat.parameters.includes(parameter))
  );
}

/** The parameters that belong in the flat memory: trainable and not empty. */
function trainedOf(parameters: readonly Variable[]): Variable[] {
  return parameters.filter((parameter) => isTrainable(parameter) && parameter.size > 0);
}

/** True unless a buffer holds an infinite number or NaN already, as one that begins at infinity does. */
export function mustStayFinite({ storage, size }: Variable): boolean {
  return addon().largest(storage.data, 0, size) < Number.POSITIVE_INFINITY;
}

/** Slices of the flat memory that hold variables. */
export function slicesOf({ offsets }: FlatParameters, variables: Iterable<Variable>): Slice[] {
  return [...variables].map((variable) => {
    const start = offsets.get(variable) as number;
    return { start, end: start + variable.size };
  });
}

function commonDType(parameters: readonly Variable[]): DType {
  const [first] = parameters;
  if (!first) throw invalid('Trainer', 'the model must have parameters');
  for (const { dtype } of parameters) {
    if (dtype !== first.dtype) throw invalid('Trainer', `all parameters must be ${first.dtype}`, dtype);
  }
  return first.dtype;
}

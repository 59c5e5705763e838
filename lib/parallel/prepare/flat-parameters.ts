import { at } from '../../graph/at.js';
import type { DType, TypedArray } from '../../graph/dtype.js';
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
 * Lays out the trainable parameters, and the buffers of their dtype, in one block of shared memory, into which
 * `attachParameters` moves them. Frozen parameters stay where they are.
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
  return {
    memory: sharedMemory(dtype, elements),
    elements,
    trainableElements,
    parameters: runs.flatMap((run) => run.parameters),
    runs,
    offsets,
  };
}

/** The parameters and buffers that are not in the flat memory, because they never were or another owner moved them. */
export function detachedFrom({ memory, offsets }: FlatParameters): Variable[] {
  return [...offsets.keys()].filter(({ storage }) => storage.data.buffer !== memory.buffer);
}

/** Moves variables, which nobody else uses at present, into the flat memory, with their current values. */
export function moveInto(flat: FlatParameters, variables: readonly Variable[]): void {
  for (const variable of variables) variable.storage.moveTo(placeOf(flat, variable));
}

/** Copies the values of variables that stay in the memory of another owner. */
export function copyInto(flat: FlatParameters, variables: readonly Variable[]): void {
  for (const variable of variables) placeOf(flat, variable).set(variable.storage.data);
}

/** The part of a variable in memory laid out like the flat memory; by default, in the flat memory itself. */
export function placeOf(flat: FlatParameters, variable: Variable, memory = flat.memory): TypedArray {
  const start = flat.offsets.get(variable) as number;
  return viewInto(memory, start, start + variable.size);
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

/** The variables that slices of the flat memory hold. */
export function variablesAt({ offsets }: FlatParameters, slices: readonly Slice[]): Variable[] {
  const starts = new Set(slices.map(({ start }) => start));
  return [...offsets].filter(([, offset]) => starts.has(offset)).map(([variable]) => variable);
}

function commonDType(parameters: readonly Variable[]): DType {
  const [first] = parameters;
  if (!first) throw invalid('Trainer', 'the model must have parameters');
  for (const { dtype } of parameters) {
    if (dtype !== first.dtype) throw invalid('Trainer', `all parameters must be ${first.dtype}`, dtype);
  }
  return first.dtype;
}

import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { Variable } from '../../graph/leaf.js';
import type { Shape } from '../../graph/shapes.js';
import { isTrainable, type Optimizer } from '../../optim/optimizer.js';
import type { SharedMemory, Slice } from '../protocol/job.js';
import { sharedMemory, viewInto } from '../protocol/shared-memory.js';

/** Elements that each parameter's place is a multiple of, so that every one starts on a cache line. */
export const ALIGNMENT = 16;

/** A stretch of the flat memory whose parameters are updated alike. */
export interface ParameterRun extends Slice {
  /** The index of the optimiser's group. */
  readonly group: number;
  readonly parameters: readonly Variable[];
  /** Its shape, as the rule of the group sees it. */
  readonly shape: Shape;
  /** Whether several workers may each update a part of it; if not, it is one parameter. */
  readonly divisible: boolean;
}

/**
 * All trainable parameters in one stretch of shared memory, those of one group next to each other, which slices cut
 * without regard to where one ends; and behind them the buffers that training may assign.
 */
export interface FlatParameters {
  readonly memory: SharedMemory;
  /** The length of the memory, in elements. */
  readonly elements: number;
  /** The length of its first part, which the parameters are in. */
  readonly trainableElements: number;
  /** The parameters, in the order of the memory. */
  readonly parameters: readonly Variable[];
  /** What the first part is made of, in order. */
  readonly runs: readonly ParameterRun[];
  /** The first element of each parameter and buffer. */
  readonly offsets: ReadonlyMap<Variable, number>;
}

/**
 * Moves the trainable parameters, and the buffers of their dtype, into one stretch of shared memory, where they stay:
 * workers update them in place. Frozen parameters stay where they are.
 *
 * @param optimizer updates the parameters; left out where there are only buffers
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
      const shape = rule.whole ? (part[0] as Variable).shape : [range.end - range.start];
      runs.push({ ...range, group, parameters: part, shape, divisible: !rule.whole });
    }
  });
  const trainableElements = elements;
  place(buffers.filter((buffer) => buffer.dtype === dtype));
  const flat = {
    memory: sharedMemory(dtype, elements),
    elements,
    trainableElements,
    parameters: runs.flatMap((region) => region.parameters),
    runs,
    offsets,
  };
  attachParameters(flat);
  return flat;
}

/** Moves the parameters and buffers back to their place, with their present values, if another owner has moved them. */
export function attachParameters({ memory, offsets }: FlatParameters): void {
  for (const [variable, offset] of offsets) {
    if (variable.storage.data.buffer === memory.buffer) continue;
    variable.storage.moveTo(viewInto(memory, offset, offset + variable.size));
  }
}

/** Whether other parameters are trainable now than when the memory was laid out. */
export function isOutdated(flat: FlatParameters, parameters: readonly Variable[]): boolean {
  const trainable = trainedOf(parameters);
  return (
    trainable.length !== flat.parameters.length ||
    trainable.some((parameter) => !flat.parameters.includes(parameter))
  );
}

/** The parameters that have a place in the flat memory: those that may change and have an element. */
function trainedOf(parameters: readonly Variable[]): Variable[] {
  return parameters.filter((parameter) => isTrainable(parameter) && parameter.size > 0);
}

/** Where variables lie in the flat memory. */
export function rangesOf({ offsets }: FlatParameters, variables: Iterable<Variable>): Slice[] {
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

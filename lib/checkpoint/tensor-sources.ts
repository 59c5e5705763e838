import { at } from '../graph/at.js';
import { bytesPerElement, dtypeOf, isFloat, type TypedArray } from '../graph/dtype.js';
import type { Shape } from '../graph/shapes.js';
import { type AnyModule, TRAINING_PREFIX } from '../nn/module.js';
import { Parameter } from '../nn/parameter.js';
import type { Optimizer } from '../optim/optimizer.js';
import { stateShapes } from '../optim/rule.js';
import { type FlatParameters, placeOf } from '../parallel/prepare/flat-parameters.js';
import { type OptimizerMemory, stateOf } from '../parallel/prepare/optimizer-memory.js';
import type { SharedMemory, TrainingJob } from '../parallel/protocol/job.js';
import { viewInto } from '../parallel/protocol/shared-memory.js';
import type { TensorSource } from './file.js';

/** Objects that contain the tensors of a run. */
export interface RunMemory {
  readonly model: AnyModule;
  readonly optimizer: Optimizer;
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/**
 * Locations of all tensors that training changes: parameters and buffers under their names in the model; the
 * optimiser's state, averages and sums under names that begin with `training/`.
 */
export function sourcesOf({ model, optimizer, parameters: flat, memory }: RunMemory): TensorSource[] {
  const own = [...model.namedParameters(), ...model.namedBuffers()].map(([name, variable]) => ({
    ...sourceAt(name, variable.shape, variable.storage.data),
    dtype: variable.dtype,
    finite: isFloat(variable.dtype) && variable instanceof Parameter,
  }));
  const kept = optimizerTensors({ model, optimizer, parameters: flat, memory });
  return [
    ...own,
    ...kept.map(({ name, shape, values }) => ({ ...sourceAt(name, shape, values), finite: true })),
  ];
}

/** A tensor that an optimiser keeps, in the memory of a training. */
export interface OptimizerTensor {
  /** As `training/optimizer/momentum/fc.weight`, `training/average/fc.weight`, `training/sum/fc.weight`. */
  readonly name: string;
  readonly shape: Shape;
  readonly values: TypedArray;
  /** What it is kept for; left out of the weight of accumulated gradients. */
  readonly of?: {
    readonly path: string;
    readonly parameter: Parameter;
    /** The name of a tensor of the update rule, such as `momentum`; left out of averages and sums. */
    readonly slot?: string;
    readonly isAverage: boolean;
  };
}

/** All tensors that an optimiser keeps for the parameters that are trained. */
export function optimizerTensors({
  model,
  optimizer,
  parameters: flat,
  memory,
}: RunMemory): OptimizerTensor[] {
  const trained = model.namedParameters().filter(([, parameter]) => flat.offsets.has(parameter));
  const weight = memory.weight && viewInto(memory.weight);
  return [
    ...trained.flatMap((entry) => remembered(entry, { optimizer, flat, memory })),
    ...(weight ? [{ name: `${TRAINING_PREFIX}accumulated`, shape: [2], values: weight }] : []),
  ];
}

/** The tensors that an optimiser keeps for a parameter. */
function remembered(
  [path, parameter]: readonly [string, Parameter],
  { optimizer, flat, memory }: { optimizer: Optimizer; flat: FlatParameters; memory: OptimizerMemory },
): OptimizerTensor[] {
  const { rule } = at(optimizer.groups, optimizer.groupOf(parameter));
  const slots = stateShapes(rule, parameter.shape).map(([slot]) => slot);
  const state = stateOf({ flat, memory }, parameter).map(({ values, shape }, i): OptimizerTensor => {
    const slot = at(slots, i);
    const name = `${TRAINING_PREFIX}optimizer/${slot}/${path}`;
    return { name, shape, values, of: { path, parameter, slot, isAverage: false } };
  });
  const alike = (['average', 'sum'] as const).flatMap((kind): OptimizerTensor[] => {
    const shared = memory[kind];
    if (!shared) return [];
    const of = { path, parameter, isAverage: kind === 'average' };
    const values = placeOf(flat, parameter, shared);
    return [{ name: `${TRAINING_PREFIX}${kind}/${path}`, shape: parameter.shape, values, of }];
  });
  return [...state, ...alike];
}

/** The same tensors in copies of their memory. Memory without a copy does not change. */
export function inCopies(
  sources: readonly TensorSource[],
  pairs: readonly { readonly from: SharedMemory; readonly to: SharedMemory }[],
): TensorSource[] {
  const copies = new Map(pairs.map((pair) => [pair.from.buffer, pair]));
  return sources.map((source) => {
    const pair = copies.get(source.buffer);
    if (!pair) return source;
    const byteOffset = source.byteOffset - pair.from.byteOffset + pair.to.byteOffset;
    return { ...source, buffer: pair.to.buffer, byteOffset };
  });
}

/** Prefix of the names of tensors that callbacks keep. */
export const CALLBACKS_PREFIX = `${TRAINING_PREFIX}callbacks/`;

/** True for a tensor that a callback keeps. */
export function isOfCallback(name: string): boolean {
  return name.startsWith(CALLBACKS_PREFIX);
}

/** Names of the tensors with the losses of the epoch's completed steps, and with their weights if it is a ratio. */
const LOSSES = `${TRAINING_PREFIX}losses`;
const WEIGHTS = `${TRAINING_PREFIX}weights`;

/** True for a tensor with a number for each completed step. */
export function isOfSteps(name: string): boolean {
  return name === LOSSES || name === WEIGHTS;
}

/** The tensors of the steps as a checkpoint of so many completed steps has them. @param weighed if the loss is a ratio */
export function ofSteps(steps: number, weighed: boolean): Pick<TensorSource, 'name' | 'dtype' | 'shape'>[] {
  const like = { dtype: 'float64', shape: [steps] } as const;
  return [LOSSES, ...(weighed ? [WEIGHTS] : [])].map((name) => ({ name, ...like }));
}

/** The losses of the first steps of an epoch, and their weights, copied because the workers keep writing. */
export class StepFigures {
  readonly sources: readonly TensorSource[];
  readonly #pairs: readonly (readonly [shared: Float64Array, copy: Float64Array])[];

  constructor({ losses, weights }: Pick<TrainingJob, 'losses' | 'weights'>, steps: number) {
    const named = [[LOSSES, losses] as const, ...(weights ? [[WEIGHTS, weights] as const] : [])];
    const copyOf = (shared: SharedArrayBuffer) => {
      const copy = new Float64Array(new SharedArrayBuffer(steps * bytesPerElement('float64')));
      copy.set(new Float64Array(shared, 0, steps));
      return [new Float64Array(shared), copy] as const;
    };
    this.#pairs = named.map(([, shared]) => copyOf(shared));
    this.sources = named.map(([name], i) => ({
      ...sourceAt(name, [steps], at(this.#pairs, i)[1]),
      steps: true,
    }));
  }

  /** Writes the copies, which a checkpoint was read into, back. */
  restore(): void {
    for (const [shared, copy] of this.#pairs) shared.set(copy);
  }
}

function sourceAt(name: string, shape: Shape, values: TypedArray): TensorSource {
  const { buffer, byteOffset } = values;
  return { name, dtype: dtypeOf(values), shape, buffer: buffer as SharedArrayBuffer, byteOffset };
}

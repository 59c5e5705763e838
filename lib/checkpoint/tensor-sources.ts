import { at } from '../graph/at.js';
import { bytesPerElement, dtypeOf, type TypedArray } from '../graph/dtype.js';
import type { Shape } from '../graph/shapes.js';
import { type Module, TRAINING_PREFIX } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { Optimizer } from '../optim/optimizer.js';
import { stateShapes } from '../optim/rule.js';
import type { FlatParameters } from '../parallel/prepare/flat-parameters.js';
import { type OptimizerMemory, stateOf } from '../parallel/prepare/optimizer-memory.js';
import type { SharedMemory } from '../parallel/protocol/job.js';
import { viewInto } from '../parallel/protocol/shared-memory.js';
import type { TensorSource } from './file.js';

/** Objects that contain the tensors of a run. */
export interface RunMemory {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly parameters: FlatParameters;
  readonly memory: OptimizerMemory;
}

/**
 * Locations of all tensors that training changes: parameters and buffers under their names in the model; the
 * optimiser's state, averages and sums under names that begin with `training/`.
 */
export function sourcesOf({ model, optimizer, parameters: flat, memory }: RunMemory): TensorSource[] {
  const named = model.namedParameters();
  const own = [...named, ...model.namedBuffers()].map(([name, variable]) => ({
    ...sourceAt(name, variable.shape, variable.storage.data),
    dtype: variable.dtype,
    finite: flat.parameters.includes(variable),
  }));
  const trained = named.filter(([, parameter]) => flat.offsets.has(parameter));
  return [...own, ...trained.flatMap((entry) => remembered(entry, { optimizer, flat, memory }))];
}

/** The tensors that an optimiser keeps for a parameter. */
function remembered(
  [name, parameter]: readonly [string, Parameter],
  { optimizer, flat, memory }: { optimizer: Optimizer; flat: FlatParameters; memory: OptimizerMemory },
): TensorSource[] {
  const { rule } = at(optimizer.groups, optimizer.groupOf(parameter));
  const names = stateShapes(rule, parameter.shape).map(([kept]) => kept);
  const state = stateOf({ flat, memory }, parameter).map(({ values, shape }, i) =>
    finiteAt(`${TRAINING_PREFIX}optimizer/${names[i]}/${name}`, shape, values),
  );
  const start = flat.offsets.get(parameter) as number;
  const alike = (['average', 'sum'] as const).flatMap((kind) => {
    const shared = memory[kind];
    const values = shared && viewInto(shared, start, start + parameter.size);
    return values ? [finiteAt(`${TRAINING_PREFIX}${kind}/${name}`, parameter.shape, values)] : [];
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

/** Name of the tensor with the losses of the epoch's completed steps. */
export const LOSSES = `${TRAINING_PREFIX}losses`;

/** The losses of the epoch's completed steps, copied because the workers keep writing. */
export function lossesSource(losses: Float64Array): TensorSource {
  const shared = new Float64Array(new SharedArrayBuffer(losses.length * bytesPerElement('float64')));
  shared.set(losses);
  return sourceAt(LOSSES, [losses.length], shared);
}

function finiteAt(name: string, shape: Shape, values: TypedArray): TensorSource {
  return { ...sourceAt(name, shape, values), finite: true };
}

function sourceAt(name: string, shape: Shape, values: TypedArray): TensorSource {
  const { buffer, byteOffset } = values;
  return { name, dtype: dtypeOf(values), shape, buffer: buffer as SharedArrayBuffer, byteOffset };
}

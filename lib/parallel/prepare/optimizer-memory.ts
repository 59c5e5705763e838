import type { DType, TypedArray } from '../../graph/dtype.js';
import type { Variable } from '../../graph/leaf.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import type { AveragedValues } from '../../optim/averages.js';
import type { Optimizer, ParameterGroup } from '../../optim/optimizer.js';
import { stateShapes } from '../../optim/rule.js';
import type { SharedMemory } from '../protocol/job.js';
import { sharedMemory, viewInto } from '../protocol/shared-memory.js';
import type { FlatParameters, ParameterRun } from './flat-parameters.js';

/** A tensor of a region's state. */
export interface StateTensor {
  readonly memory: SharedMemory;
  readonly shape: Shape;
}

/** What an optimiser remembers of flat parameters, in memory that all workers see. */
export interface OptimizerMemory {
  /** For each region what its rule keeps. */
  readonly state: ReadonlyMap<ParameterRun, readonly StateTensor[]>;
  /** The moving averages, laid out as the parameters. */
  readonly average?: SharedMemory;
  /** The sums of the gradients since the last update, laid out as the parameters. */
  readonly sum?: SharedMemory;
}

/** Memory for an optimiser that has seen nothing yet. */
export function optimizerMemory(flat: FlatParameters, { groups, stages }: Optimizer): OptimizerMemory {
  const { dtype } = flat.memory;
  const tensors = ({ group, shape }: ParameterRun) =>
    stateShapes((groups[group] as ParameterGroup).rule, shape).map(([, like]) => stateTensor(dtype, like));
  const like = () => sharedMemory(dtype, flat.trainableElements);
  const average = stages.average === undefined ? undefined : like();
  for (const parameter of average ? flat.parameters : []) {
    placeOf(flat, parameter, average as SharedMemory).set(parameter.storage.data);
  }
  return {
    state: new Map(flat.runs.map((region) => [region, tensors(region)])),
    ...(average ? { average } : {}),
    ...((stages.accumulate ?? 1) > 1 ? { sum: like() } : {}),
  };
}

/** All of it. */
export function tensorsOf({ state, average, sum }: OptimizerMemory): SharedMemory[] {
  const tensors = [...state.values()].flatMap((list) => list.map((tensor) => tensor.memory));
  return [average, sum, ...tensors].filter((memory) => memory !== undefined);
}

/** Takes over what is remembered of the parameters that are still there after a new layout. */
export function carryOver(
  from: { flat: FlatParameters; memory: OptimizerMemory },
  to: { flat: FlatParameters; memory: OptimizerMemory },
): void {
  for (const parameter of to.flat.parameters) {
    if (!from.flat.parameters.includes(parameter)) continue;
    for (const name of ['average', 'sum'] as const) {
      const [source, target] = [from.memory[name], to.memory[name]];
      if (source && target) placeOf(to.flat, parameter, target).set(placeOf(from.flat, parameter, source));
    }
    const old = stateOf(from, parameter);
    stateOf(to, parameter).forEach(({ values }, i) => {
      values.set((old[i] as ParameterState).values);
    });
  }
}

/** The values of the parameters and of their averages. */
export function averagedValues(flat: FlatParameters, average: SharedMemory): AveragedValues[] {
  return flat.parameters.map((parameter) => [parameter.storage.data, placeOf(flat, parameter, average)]);
}

function stateTensor(dtype: DType, shape: Shape): StateTensor {
  return { memory: sharedMemory(dtype, sizeOf(shape)), shape };
}

/** The part of memory laid out as the parameters that belongs to one of them. */
export function placeOf({ offsets }: FlatParameters, parameter: Variable, memory: SharedMemory): TypedArray {
  const start = offsets.get(parameter) as number;
  return viewInto(memory, start, start + parameter.size);
}

/** A tensor that a rule keeps for one parameter, over the memory that workers write to. */
export interface ParameterState {
  readonly values: TypedArray;
  readonly shape: Shape;
}

/** The state of one parameter: the whole of its region's, or its part of them. */
export function stateOf(
  { flat, memory }: { flat: FlatParameters; memory: OptimizerMemory },
  parameter: Variable,
): ParameterState[] {
  const region = flat.runs.find(({ parameters }) => parameters.includes(parameter)) as ParameterRun;
  const start = (flat.offsets.get(parameter) as number) - region.start;
  return (memory.state.get(region) ?? []).map((tensor) =>
    region.divisible
      ? { values: viewInto(tensor.memory, start, start + parameter.size), shape: parameter.shape }
      : { values: viewInto(tensor.memory), shape: tensor.shape },
  );
}

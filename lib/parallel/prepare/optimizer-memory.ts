import { at } from '../../graph/at.js';
import type { DType, TypedArray } from '../../graph/dtype.js';
import type { Variable } from '../../graph/leaf.js';
import { type Shape, sizeOf } from '../../graph/shapes.js';
import type { Averaged } from '../../optim/averages.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { stateShapes } from '../../optim/rule.js';
import type { SharedMemory } from '../protocol/job.js';
import { sharedMemory, viewInto } from '../protocol/shared-memory.js';
import { type FlatParameters, type ParameterRun, placeOf } from './flat-parameters.js';

/** A state tensor of a parameter run. */
export interface StateTensor {
  readonly memory: SharedMemory;
  readonly shape: Shape;
}

/** Optimiser state of flat parameters, in memory shared by all workers. */
export interface OptimizerMemory {
  /** State tensors of the rule of each parameter run. */
  readonly state: ReadonlyMap<ParameterRun, readonly StateTensor[]>;
  /** Moving averages, laid out like the parameters. */
  readonly average?: SharedMemory;
  /** Gradients accumulated since the last update, laid out like the parameters. */
  readonly sum?: SharedMemory;
  /** Weight of these gradients; see `UpdateJob`. */
  readonly weight?: SharedMemory;
}

/** Initial state of an optimiser; its averages are yet to be started. */
export function optimizerMemory(flat: FlatParameters, { groups, stages }: Optimizer): OptimizerMemory {
  const { dtype } = flat.memory;
  const tensors = ({ group, shape }: ParameterRun) =>
    stateShapes(at(groups, group).rule, shape).map(([, like]) => stateTensor(dtype, like));
  const like = () => sharedMemory(dtype, flat.trainableElements);
  return {
    state: new Map(flat.runs.map((run) => [run, tensors(run)])),
    ...(stages.average === undefined ? {} : { average: like() }),
    ...((stages.accumulate ?? 1) > 1 ? { sum: like(), weight: sharedMemory('float64', 2) } : {}),
  };
}

/** All shared memory of the optimiser state. */
export function tensorsOf({ state, average, sum, weight }: OptimizerMemory): SharedMemory[] {
  const tensors = [...state.values()].flatMap((list) => list.map((tensor) => tensor.memory));
  return [average, sum, weight, ...tensors].filter((memory) => memory !== undefined);
}

/** Copies the state of the parameters that both layouts contain. */
export function carryOver(
  from: { flat: FlatParameters; memory: OptimizerMemory },
  to: { flat: FlatParameters; memory: OptimizerMemory },
): void {
  if (from.memory.weight && to.memory.weight) viewInto(to.memory.weight).set(viewInto(from.memory.weight));
  for (const parameter of to.flat.parameters) {
    if (!from.flat.parameters.includes(parameter)) continue;
    for (const name of ['average', 'sum'] as const) {
      const [source, target] = [from.memory[name], to.memory[name]];
      if (source && target) placeOf(to.flat, parameter, target).set(placeOf(from.flat, parameter, source));
    }
    const old = stateOf(from, parameter);
    stateOf(to, parameter).forEach(({ values }, i) => {
      values.set(at(old, i).values);
    });
  }
}

/** Sets the averages of parameters to their present values. */
export function startAverages(
  flat: FlatParameters,
  { average }: OptimizerMemory,
  parameters: Iterable<Variable>,
): void {
  if (!average) return;
  for (const parameter of parameters) placeOf(flat, parameter, average).set(parameter.storage.data);
}

/** Values of the parameters, paired with their averages. */
export function averagedValues(flat: FlatParameters, average: SharedMemory): Averaged[] {
  return flat.parameters.map((parameter) => [parameter, placeOf(flat, parameter, average)]);
}

function stateTensor(dtype: DType, shape: Shape): StateTensor {
  return { memory: sharedMemory(dtype, sizeOf(shape)), shape };
}

/** A state tensor of one parameter, as a view of the memory that workers write to. */
export interface ParameterState {
  readonly values: TypedArray;
  readonly shape: Shape;
}

/** State of one parameter: the whole state of its parameter run, or its part of it. */
export function stateOf(
  { flat, memory }: { flat: FlatParameters; memory: OptimizerMemory },
  parameter: Variable,
): ParameterState[] {
  const run = flat.runs.find(({ parameters }) => parameters.includes(parameter)) as ParameterRun;
  const start = (flat.offsets.get(parameter) as number) - run.start;
  return (memory.state.get(run) ?? []).map((tensor) =>
    run.divisible
      ? { values: viewInto(tensor.memory, start, start + parameter.size), shape: parameter.shape }
      : { values: viewInto(tensor.memory), shape: tensor.shape },
  );
}

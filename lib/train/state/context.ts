import { type OptimizerTensor, optimizerTensors } from '../../checkpoint/tensor-sources.js';
import { type DType, dtypeOf, type TypedArray } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import type { AnyModule } from '../../nn/index.js';
import type { Optimizer } from '../../optim/index.js';
import { reading } from '../../runtime/access/plan-access.js';
import type { Calls } from '../fit/calls.js';
import { countedNow, type TrainerState } from '../fit/trainer-state.js';
import type { TrainerMemory } from '../prepare/trainer-memory.js';

/** A trainer whose state is taken or loaded. */
export interface StateContext {
  readonly model: AnyModule;
  /** The model with the extra modules. */
  readonly whole: AnyModule;
  readonly optimizer: Optimizer;
  readonly memory: TrainerMemory;
  readonly progress: TrainerState;
  readonly calls: Calls;
}

/** A tensor that the optimiser keeps, with its dtype. */
export interface Kept extends OptimizerTensor {
  readonly dtype: DType;
}

/** All tensors that the optimiser keeps, in the memory that they are in. */
export function keptBy({ whole, optimizer, memory }: StateContext): Kept[] {
  const tensors = optimizerTensors({ model: whole, optimizer, ...memory.inUse() });
  return tensors.map((tensor) => ({ ...tensor, dtype: dtypeOf(tensor.values) }));
}

/** A copy of a kept tensor's values; an average may be in the place of its parameter. */
export function copyOf({ memory }: StateContext, { values, of }: Kept): TypedArray {
  const isElsewhere = of?.isAverage && memory.averageIsIn(of.parameter) === 'parameter';
  return (isElsewhere ? of.parameter.storage.data : values).slice();
}

/** Runs a task between two steps, as of now, or of the training under way. */
export async function betweenSteps<R>({ memory, calls }: StateContext, task: () => R): Promise<R> {
  return await reading('state', memory.inUse().parameters.parameters, () => {
    const { op } = calls;
    if (op === 'pace' || op === 'profile')
      throw invalid('state', `the trainer is trying out steps in a call of ${op}; wait for its end`);
    return task();
  });
}

/** The number of updates made. */
export function updatesMade({ optimizer, progress }: StateContext): number {
  const { steps, updates } = countedNow(progress);
  return optimizer.updatesAfter(steps) - updates.missed;
}

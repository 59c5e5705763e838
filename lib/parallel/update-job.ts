import type { Variable } from '../graph/ops/leaf.js';
import type { Optimizer } from '../optim/optimizer.js';
import { type FlatParameters, rangesOf } from './flat-parameters.js';
import type { SharedMemory, UpdateJob } from './job.js';
import type { OptimizerMemory } from './optimizer-memory.js';
import { planReduction } from './reduction.js';
import { sharedMemory } from './shared-memory.js';
import { compileUpdates, squareCount } from './update-plans.js';

/** What the gradients of shards are added up for, and by whom. */
export interface UpdateSpecification {
  readonly flat: FlatParameters;
  readonly optimizer: Optimizer;
  readonly memory: OptimizerMemory;
  /** The buffers that shards assign. */
  readonly assigned: readonly Variable[];
  readonly shards: number;
  readonly workers: number;
  /** Whether fewer workers than these may be at work. */
  readonly mayBeFewer: boolean;
  /** Steps that the optimiser's numbers are written down for at a time. */
  readonly steps: number;
}

/** The update of flat parameters by an optimiser, with the memory that it needs. */
export function prepareUpdates(specification: UpdateSpecification): UpdateJob {
  const { flat, optimizer, memory, assigned, shards, workers, mayBeFewer, steps } = specification;
  const { dtype } = flat.memory;
  const slots = slotCount(shards, workers, mayBeFewer);
  const gradients = Array.from({ length: slots }, () => sharedMemory(dtype, flat.elements));
  const { accumulate = 1, clipNorm } = optimizer.stages;
  const { sum } = memory;
  const squares = clipNorm === undefined ? undefined : sharedMemory(dtype, squareCount(flat));
  const sums = sum ?? (gradients[0] as SharedMemory);
  const updates = compileUpdates({ flat, optimizer, memory, gradients: sums, squares }, workers);
  const scalarCount = optimizer.scalarsAt(0).length;
  return {
    gradients,
    updates,
    marks: sharedMemory('int32', updates.length).buffer,
    accumulate,
    ...(sum ? { sum } : {}),
    ...(squares && clipNorm !== undefined ? { clip: { norm: clipNorm, squares } } : {}),
    memory: flat.memory,
    assigned: rangesOf(flat, assigned),
    scalarCount,
    scalars: sharedMemory('float64', steps * scalarCount).buffer,
  };
}

/** Slots for gradients that so many workers need, or where fewer may be at work, any of their numbers. */
function slotCount(shards: number, workers: number, mayBeFewer: boolean): number {
  const present = new Array<boolean>(shards).fill(true);
  const counts = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Math.max(...counts.map((count) => planReduction(present, count).slots));
}

import type { Variable } from '../../graph/leaf.js';
import type { Optimizer } from '../../optim/optimizer.js';
import type { SharedMemory, UpdateJob } from '../protocol/job.js';
import { planReductionTree } from '../protocol/reduction-tree.js';
import { sharedBuffer, sharedMemory } from '../protocol/shared-memory.js';
import { type FlatParameters, rangesOf } from './flat-parameters.js';
import type { OptimizerMemory } from './optimizer-memory.js';
import { compileUpdates, squareCount } from './update-plans.js';

/** What the gradients of shards are added up for, and by whom. */
export interface UpdateSpecification {
  readonly flat: FlatParameters;
  /** Left out where shards only assign buffers. */
  readonly optimizer?: Optimizer | undefined;
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

/**
 * The update of flat parameters by an optimiser, with the memory that it needs.
 *
 * @param take gives the memory for gradients; another one serves to find out how much that is
 */
export function prepareUpdates(specification: UpdateSpecification, take = sharedMemory): UpdateJob {
  const { flat, optimizer, assigned, shards, workers, mayBeFewer } = specification;
  const slots = slotCount(shards, workers, mayBeFewer);
  const gradients = Array.from({ length: slots }, () => take(flat.memory.dtype, flat.elements));
  return {
    gradients,
    marks: sharedBuffer('int32', workers),
    memory: flat.memory,
    assigned: rangesOf(flat, assigned),
    ...(optimizer ? withOptimizer(specification, optimizer, gradients, take) : nothingToUpdate(workers)),
  };
}

/** Words of a sum that an update makes itself: of four slots. With more of them, the update would wait for memory. */
const MOST_DIRECT = 7;

/**
 * Elements from which on it does: 16 MB of float32, more than the caches of cores keep. Of less, what other cores have just
 * written is fetched faster by a sum that does nothing else.
 */
const LEAST_DIRECT = 2 ** 22;

type OfOptimizer = Omit<UpdateJob, 'gradients' | 'marks' | 'memory' | 'assigned'>;

function withOptimizer(
  { flat, memory, shards, workers, steps }: UpdateSpecification,
  optimizer: Optimizer,
  slots: readonly SharedMemory[],
  take: typeof sharedMemory,
): OfOptimizer {
  const { accumulate = 1, clipNorm } = optimizer.stages;
  const { sum } = memory;
  const squares = clipNorm === undefined ? undefined : take(flat.memory.dtype, squareCount(flat));
  const gradients = sum ?? (slots[0] as SharedMemory);
  const scalarCount = optimizer.scalarsAt(0).length;
  const whole = planReductionTree(new Array<boolean>(shards).fill(true), workers).program;
  // What is added up for other steps, or looked at before the update, has to be stored.
  const isLarge = flat.trainableElements >= LEAST_DIRECT;
  const isDirect = isLarge && whole.length > 1 && whole.length <= MOST_DIRECT && !sum && !squares;
  const direct = isDirect ? { program: whole, slots } : undefined;
  return {
    updates: compileUpdates({ flat, optimizer, memory, gradients, squares, direct }, workers),
    ...(isDirect ? { directProgram: whole } : {}),
    accumulate,
    ...(sum ? { sum } : {}),
    ...(squares && clipNorm !== undefined ? { clip: { norm: clipNorm, squares } } : {}),
    scalarCount,
    scalars: sharedBuffer('float64', steps * scalarCount),
  };
}

function nothingToUpdate(workers: number): OfOptimizer {
  const updates = new Array<null>(workers).fill(null);
  return { updates, accumulate: 1, scalarCount: 0, scalars: sharedBuffer('float64', 0) };
}

/** Slots for gradients that so many workers need, or where fewer may be at work, any of their numbers. */
function slotCount(shards: number, workers: number, mayBeFewer: boolean): number {
  const present = new Array<boolean>(shards).fill(true);
  const counts = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Math.max(...counts.map((count) => planReductionTree(present, count).slots));
}

import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import type { Variable } from '../../graph/leaf.js';
import type { FigureKind } from '../../nn/losses/sums.js';
import type { Optimizer } from '../../optim/optimizer.js';
import type { FactorLayout, FactorMemory, SharedMemory, UpdateJob } from '../protocol/job.js';
import { planReductionTree } from '../protocol/reduction-tree.js';
import { bytesOf, sharedBuffer, sharedMemory } from '../protocol/shared-memory.js';
import { type FlatParameters, mustStayFinite, slicesOf } from './flat-parameters.js';
import type { OptimizerMemory } from './optimizer-memory.js';
import { compileUpdates, squareCount, storedParts } from './update-plans.js';
import { unstoredElements } from './weight-products.js';

/** Parameters of a gradient sum and the update that uses it. */
export interface UpdateSpecification {
  readonly flat: FlatParameters;
  /** Left out if shards only assign buffers. */
  readonly optimizer?: Optimizer | undefined;
  readonly memory: OptimizerMemory;
  /** The buffers that shards assign. */
  readonly assigned: readonly Variable[];
  readonly shards: number;
  readonly workers: number;
  /** True if fewer workers may be active. */
  readonly mayBeFewer: boolean;
  /** Numbers of shards of a full batch that one plan computes at once. Default none. */
  readonly atOnce?: ReadonlySet<number>;
  /** True if there are no other batches than full ones. Default false. */
  readonly onlyFull?: boolean;
  /** True if shards wait for each other, so that each unit has a slot of its own for gradients: see `planReductionTree`. */
  readonly apart: boolean;
  /** Kind of the loss whose gradients are summed; left out if shards only assign buffers. */
  readonly kind?: FigureKind;
  /** Number of steps whose optimiser scalars are stored at a time. */
  readonly steps: number;
  /** The gradients that shards leave as factors, if any. */
  readonly factors?: FactorLayout | undefined;
}

/**
 * Prepares the update of flat parameters by an optimiser, with the memory that it needs.
 *
 * @param take allocates the memory for gradients; a stand-in serves to count the bytes
 */
export function prepareUpdates(specification: UpdateSpecification, take = sharedMemory): UpdateJob {
  const { flat, optimizer, assigned, shards, workers, factors: layout } = specification;
  const slots = slotCount(specification);
  const { dtype } = flat.memory;
  const gradients = Array.from({ length: slots }, () => take(dtype, flat.elements));
  const factors = layout && { layout, memory: take(dtype, layout.elements), largest: take(dtype, workers) };
  const stored = storedParts(flat, layout, { start: 0, end: flat.trainableElements });
  return {
    gradients,
    used: [...stored, { start: flat.trainableElements, end: flat.elements }],
    ...(factors ? { factors } : {}),
    measures: {
      magnitudes: sharedBuffer('float64', shards),
      judged: sharedBuffer('float64', 1),
      slices: [...stored, ...slicesOf(flat, assigned.filter(mustStayFinite))],
    },
    marks: sharedBuffer('int32', workers),
    memory: flat.memory,
    assigned: slicesOf(flat, assigned),
    ...(optimizer
      ? withOptimizer({ ...specification, slots: gradients, factorMemory: factors }, optimizer, take)
      : nothingToUpdate(workers)),
  };
}

/** Most words of a sum that an update computes itself, for four slots. With more, the update would wait for memory. */
const MOST_DIRECT = 7;

/**
 * Least elements for an update that sums: 16 MB of float32, more than the cores' caches hold. With fewer, a separate
 * sum fetches faster what other cores have just written.
 */
const LEAST_DIRECT = 2 ** 22;

type OfOptimizer = Omit<
  UpdateJob,
  'gradients' | 'used' | 'factors' | 'measures' | 'marks' | 'memory' | 'assigned'
>;

/** A specification, with the memory of what shards compute. */
interface GradientMemory extends UpdateSpecification {
  readonly slots: readonly SharedMemory[];
  readonly factorMemory: FactorMemory | undefined;
}

function withOptimizer(
  {
    flat,
    memory,
    shards,
    workers,
    apart,
    atOnce,
    kind = 'mean',
    steps,
    slots,
    factorMemory: factors,
  }: GradientMemory,
  optimizer: Optimizer,
  take: typeof sharedMemory,
): OfOptimizer {
  const { accumulate = 1, clipNorm } = optimizer.stages;
  const { sum, weight } = memory;
  const divides = kind === 'ratio' || (kind === 'mean' && accumulate > 1);
  const squares = clipNorm === undefined ? undefined : take(flat.memory.dtype, squareCount(flat));
  const gradients = sum ?? at(slots, 0);
  const scalarCount = optimizer.scalarsAt(0).length;
  const whole = planReductionTree(new Array<boolean>(shards).fill(true), workers, apart, atOnce).program;
  // A sum that is accumulated over steps, or measured before the update, has to be stored.
  const isLarge = flat.trainableElements - unstoredElements(factors?.layout) >= LEAST_DIRECT;
  const isDirect = isLarge && whole.length > 1 && whole.length <= MOST_DIRECT && !sum && !squares;
  const direct = isDirect ? { program: whole, slots } : undefined;
  return {
    updates: compileUpdates(
      { flat, optimizer, memory, gradients, divides, squares, direct, factors },
      workers,
    ),
    ...(isDirect ? { directProgram: whole } : {}),
    accumulate,
    divides,
    ...(sum && weight ? { sum, weight } : {}),
    ...(squares && clipNorm !== undefined ? { clip: { norm: clipNorm, squares } } : {}),
    scalarCount,
    scalars: sharedBuffer('float64', steps * scalarCount),
  };
}

function nothingToUpdate(workers: number): OfOptimizer {
  const updates = new Array<null>(workers).fill(null);
  return { updates, accumulate: 1, divides: false, scalarCount: 0, scalars: sharedBuffer('float64', 0) };
}

/** Bytes of the memory for gradients, as far as it is used, and for their factors. */
export function gradientBytes({ gradients, factors, memory }: UpdateJob): number {
  const slots = gradients.map(bytesOf).reduce((sum, bytes) => sum + bytes, 0);
  if (!factors) return slots;
  const unused = gradients.length * unstoredElements(factors.layout) * bytesPerElement(memory.dtype);
  return slots - unused + bytesOf(factors.memory) + bytesOf(factors.largest);
}

/** Number of gradient slots for `workers` workers or, if fewer may be active, for any number up to it. */
function slotCount({
  shards,
  workers,
  mayBeFewer,
  apart,
  atOnce,
  onlyFull = false,
}: UpdateSpecification): number {
  const several = onlyFull ? atOnce : undefined;
  const present = new Array<boolean>(shards).fill(true);
  const counts = mayBeFewer ? Array.from({ length: workers }, (_, i) => i + 1) : [workers];
  return Math.max(...counts.map((count) => planReductionTree(present, count, apart, several).slots));
}

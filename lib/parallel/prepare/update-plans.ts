import { compileGraph } from '../../compile/compile.js';
import { at } from '../../graph/at.js';
import { outside, within } from '../../graph/context.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { type InputAttributes, input, Variable } from '../../graph/leaf.js';
import type { Shape } from '../../graph/shapes.js';
import { Storage } from '../../graph/storage.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { abs, add, cast, maximum, mul, square } from '../../ops/primitives/elementwise.js';
import { slice } from '../../ops/primitives/movement.js';
import { max } from '../../ops/primitives/reduce.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { updatePiece } from '../../optim/update.js';
import { addon } from '../../runtime/addon.js';
import { nativeKernels } from '../../runtime/native-kernels.js';
import type {
  BoundPlan,
  FactorLayout,
  FactorMemory,
  SharedMemory,
  Slice,
  Source,
  UpdateShare,
} from '../protocol/job.js';
import { bindSources, placeAt } from './bindings.js';
import type { FlatParameters, ParameterRun } from './flat-parameters.js';
import type { OptimizerMemory } from './optimizer-memory.js';
import { ProductGradients } from './product-gradients.js';
import { dealPieces, indivisible, partsIn } from './slices.js';

/** Source of the workers' shares of an update. */
export interface UpdateContext {
  readonly flat: FlatParameters;
  readonly optimizer: Optimizer;
  readonly memory: OptimizerMemory;
  /** The sum of the shards' gradients, over all accumulated steps. */
  readonly gradients: SharedMemory;
  /** True if the update multiplies the sum by the input `scale`. */
  readonly divides: boolean;
  /** Destination of the sums of squares, if the norm is clipped. */
  readonly squares?: SharedMemory | undefined;
  /** The slots and their sum, if updates compute it themselves. */
  readonly direct?: GradientSum | undefined;
  /** What gradients that are not stored are computed from. */
  readonly factors?: FactorMemory | undefined;
}

/** A sum of slots in postfix. */
interface GradientSum {
  readonly program: Int32Array;
  readonly slots: readonly SharedMemory[];
}

/** Compiles each worker's share of the update, by rank; null for a worker without parameters. */
export function compileUpdates(context: UpdateContext, workers: number): (UpdateShare | null)[] {
  return within(outside, () => shareOut(context, workers));
}

function shareOut(context: UpdateContext, workers: number): (UpdateShare | null)[] {
  const { flat, factors } = context;
  const pieces = indivisible(flat, factors?.layout);
  const firsts = dealPieces(pieces, workers);
  return Array.from({ length: workers }, (_, rank) => {
    const [first, end] = [at(firsts, rank), at(firsts, rank + 1)];
    if (first === end) return null;
    const mine = pieces.slice(first, end);
    const slice = { start: at(mine, 0).start, end: at(mine, mine.length - 1).end };
    const { gradients, squares, direct } = context;
    const stored = { program: Int32Array.of(0), slots: [gradients] };
    const largest = factors && compileLargest(flat, factors, slice, rank);
    const share = {
      ...slice,
      stored: storedParts(flat, factors?.layout, slice),
      update: compileUpdate(context, slice, stored),
      ...(direct ? { direct: compileUpdate(context, slice, direct) } : {}),
      ...(largest ? { largest } : {}),
    };
    return squares ? { ...share, squares: compileSquares(context, mine, placeAt(squares, first)) } : share;
  });
}

/** Number of sums of squares that the norm of all gradients is computed from. */
export function squareCount(flat: FlatParameters): number {
  return indivisible(flat).length;
}

/** The parts of a slice whose gradients are stored. */
export function storedParts(flat: FlatParameters, layout: FactorLayout | undefined, slice: Slice): Slice[] {
  if (!layout) return [slice];
  return partsIn(flat, slice, layout).flatMap(({ part: { product, ...part } }) => (product ? [] : part));
}

/** Compiles the in-place update of all parameter runs in a slice. */
function compileUpdate(
  { flat, optimizer, memory, divides, factors }: UpdateContext,
  slice: Slice,
  { program, slots }: GradientSum,
): BoundPlan {
  const { dtype } = flat.memory;
  const { clipNorm } = optimizer.stages;
  const scalars = optimizer.scalarsAt(0).map((_, i) => input(`scalar ${i}`, [], 'float64'));
  const clip = clipNorm === undefined ? undefined : input('clip', [], 'float64');
  const scale = divides ? input('scale', [], 'float64') : undefined;
  const products = factors && new ProductGradients(factors);
  const inputs: Tensor<InputAttributes>[] = [];
  const sources: Source[] = [];
  const assignments = new Map<Variable, Tensor>();
  const places = new Map<Variable, Source>();
  const variable = (shape: Shape, source: Source) => {
    const made = new Variable(new Storage(shape, dtype));
    places.set(made, source);
    return made;
  };
  const update = (run: ParameterRun, part: Slice, gradient: Tensor) => {
    const { divisible, group } = run;
    const own = gradient.shape;
    const piece = {
      parameter: variable(own, placeAt(flat.memory, part.start)),
      gradient: scale ? mul(gradient, cast(scale, dtype)) : gradient,
      state: (memory.state.get(run) ?? []).map((tensor) =>
        variable(divisible ? own : tensor.shape, placeAt(tensor.memory, part.start - run.start)),
      ),
      average: memory.average && variable(own, placeAt(memory.average, part.start)),
    };
    const { rule } = at(optimizer.groups, group);
    const step = { ...optimizer.scalarsOf(group, scalars), clip };
    for (const [target, value] of updatePiece(rule, optimizer.stages, piece, step))
      assignments.set(target, value);
  };
  for (const { run, part } of partsIn(flat, slice, factors?.layout)) {
    if (part.product && products) {
      for (const block of products.blocksOf(part.product, part)) update(run, block, block.gradient);
      continue;
    }
    const own = run.divisible ? [part.end - part.start] : run.shape;
    const gradient = sumOf(program, (slot) => {
      const one = input(`gradient ${slot}`, own, dtype);
      inputs.push(one);
      sources.push(placeAt(at(slots, slot), part.start));
      return one;
    });
    update(run, part, gradient);
  }
  const given = [...scalars, ...(clip ? [clip] : []), ...(scale ? [scale] : [])];
  const named = given.map(({ attributes }) => attributes.name);
  const read = products?.inputs ?? [];
  const compiled = compileGraph(
    { inputs: [...inputs, ...read, ...given], outputs: [], assignments },
    nativeKernels,
  );
  return bindSources(compiled, [...sources, ...(products?.sources ?? []), ...named], [], places);
}

/** Graph of a sum in postfix; `leaf` returns the tensor for each index. */
function sumOf(program: Int32Array, leaf: (index: number) => Tensor): Tensor {
  const stack: Tensor[] = [];
  for (const word of program) {
    if (word !== addon().constants.sums.add) {
      stack.push(leaf(word));
      continue;
    }
    const right = stack.pop() as Tensor;
    stack.push(add(stack.pop() as Tensor, right));
  }
  return at(stack, 0);
}

/** Compiles the largest magnitude of the gradients in a slice that are not stored; undefined if there are none. */
function compileLargest(
  flat: FlatParameters,
  factors: FactorMemory,
  slice: Slice,
  rank: number,
): BoundPlan | undefined {
  const products = new ProductGradients(factors);
  const blocks = partsIn(flat, slice, factors.layout).flatMap(({ part }) =>
    part.product ? [...products.blocksOf(part.product, part)] : [],
  );
  if (blocks.length === 0) return undefined;
  const largest = blocks.map(({ gradient }) => max(abs(gradient))).reduce((a, b) => maximum(a, b));
  const compiled = compileGraph({ inputs: products.inputs, outputs: [largest] }, nativeKernels);
  return bindSources(compiled, products.sources, [placeAt(factors.largest, rank)], new Map());
}

/** Compiles the sums of squares of consecutive pieces, one value per piece. */
function compileSquares(
  { flat, gradients }: UpdateContext,
  pieces: readonly Slice[],
  place: Source & { kind: 'shared' },
): BoundPlan {
  const [first, last] = [at(pieces, 0), at(pieces, pieces.length - 1)];
  const gradient = input('gradient', [last.end - first.start], flat.memory.dtype);
  const outputs = pieces.map(({ start, end }) =>
    sum(square(slice(gradient, [[start - first.start, end - first.start]]))),
  );
  const compiled = compileGraph({ inputs: [gradient], outputs }, nativeKernels);
  const bytes = bytesPerElement(flat.memory.dtype);
  const places = pieces.map((_, i) => ({ ...place, byteOffset: place.byteOffset + i * bytes }));
  return bindSources(compiled, [placeAt(gradients, first.start)], places, new Map());
}

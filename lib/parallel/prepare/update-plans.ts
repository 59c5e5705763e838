import { compileGraph } from '../../compile/compile.js';
import { at } from '../../graph/at.js';
import { bytesPerElement } from '../../graph/dtype.js';
import { type InputAttributes, input, Variable } from '../../graph/leaf.js';
import type { Shape } from '../../graph/shapes.js';
import { Storage } from '../../graph/storage.js';
import type { Tensor } from '../../graph/tensor.js';
import { sum } from '../../ops/primitives/broadcast.js';
import { add, cast, mul, square } from '../../ops/primitives/elementwise.js';
import { slice } from '../../ops/primitives/movement.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { updatePiece } from '../../optim/update.js';
import { addon } from '../../runtime/addon.js';
import { nativeKernels } from '../../runtime/native-kernels.js';
import type { BoundPlan, SharedMemory, Slice, Source, UpdateShare } from '../protocol/job.js';
import { bindSources, placeAt } from './bindings.js';
import type { FlatParameters } from './flat-parameters.js';
import type { OptimizerMemory } from './optimizer-memory.js';
import { dealPieces, indivisible, intersection } from './slices.js';

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
}

/** A sum of slots in postfix. */
interface GradientSum {
  readonly program: Int32Array;
  readonly slots: readonly SharedMemory[];
}

/** Compiles each worker's share of the update, by rank; null for a worker without parameters. */
export function compileUpdates(context: UpdateContext, workers: number): (UpdateShare | null)[] {
  const pieces = indivisible(context.flat);
  const firsts = dealPieces(pieces, workers);
  return Array.from({ length: workers }, (_, rank) => {
    const [first, end] = [at(firsts, rank), at(firsts, rank + 1)];
    if (first === end) return null;
    const mine = pieces.slice(first, end);
    const slice = { start: at(mine, 0).start, end: at(mine, mine.length - 1).end };
    const { gradients, squares, direct } = context;
    const stored = { program: Int32Array.of(0), slots: [gradients] };
    const share = {
      ...slice,
      update: compileUpdate(context, slice, stored),
      ...(direct ? { direct: compileUpdate(context, slice, direct) } : {}),
    };
    return squares ? { ...share, squares: compileSquares(context, mine, placeAt(squares, first)) } : share;
  });
}

/** Number of sums of squares that the norm of all gradients is computed from. */
export function squareCount(flat: FlatParameters): number {
  return indivisible(flat).length;
}

/** Compiles the in-place update of all parameter runs in a slice. */
function compileUpdate(
  { flat, optimizer, memory, divides }: UpdateContext,
  slice: Slice,
  { program, slots }: GradientSum,
): BoundPlan {
  const { dtype } = flat.memory;
  const { clipNorm } = optimizer.stages;
  const scalars = optimizer.scalarsAt(0).map((_, i) => input(`scalar ${i}`, [], 'float64'));
  const clip = clipNorm === undefined ? undefined : input('clip', [], 'float64');
  const scale = divides ? input('scale', [], 'float64') : undefined;
  const inputs: Tensor<InputAttributes>[] = [];
  const sources: Source[] = [];
  const assignments = new Map<Variable, Tensor>();
  const places = new Map<Variable, Source>();
  const variable = (shape: Shape, source: Source) => {
    const made = new Variable(new Storage(shape, dtype));
    places.set(made, source);
    return made;
  };
  for (const run of flat.runs) {
    const part = intersection(run, slice);
    if (!part) continue;
    const { shape, divisible, group } = run;
    const own = divisible ? [part.end - part.start] : shape;
    const gradient = sumOf(program, (slot) => {
      const one = input(`gradient ${slot}`, own, dtype);
      inputs.push(one);
      sources.push(placeAt(at(slots, slot), part.start));
      return one;
    });
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
  }
  const given = [...scalars, ...(clip ? [clip] : []), ...(scale ? [scale] : [])];
  const named = given.map(({ attributes }) => attributes.name);
  const compiled = compileGraph({ inputs: [...inputs, ...given], outputs: [], assignments }, nativeKernels);
  return bindSources(compiled, [...sources, ...named], [], places);
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

import { at } from '../../../graph/at.js';
import type { DType } from '../../../graph/dtype.js';
import { sizeOf } from '../../../graph/shapes.js';
import { reachable, Tensor } from '../../../graph/tensor.js';
import { expand, type ReduceAttributes, sum, sumOp } from '../broadcast.js';
import { add, addOp, cast } from '../elementwise.js';
import { type MatmulAttributes, matmul, matmulOp } from '../matmul.js';
import { reshape, reshapeOp } from '../movement.js';

/** The results of a built loop: outputs stacked over its steps, and sums over them. */
export interface BuiltLoop {
  readonly stacked: readonly Tensor[];
  readonly accumulated: readonly Tensor[];
}

/** Builds a value once the loop exists. */
export type Later = (built: BuiltLoop) => Tensor;

/** The planned sum of a node of the body over all steps, which is built once, however many sums it is a term of. */
interface PlannedSum {
  readonly terms: readonly PlannedSum[];
  /** Builds it, given its terms. */
  readonly make: (built: BuiltLoop, ...terms: Tensor[]) => Tensor;
  value?: Tensor;
}

/**
 * Plans values over all steps of a loop in terms of the nodes of its body, and collects the results that the loop has
 * to provide for them. The sum of a product of two matrices over the steps is one product of the stacked ones, which
 * is several times faster than a product and an addition at every step; other sums are accumulated in the loop.
 */
export class LoopSums {
  readonly #stacked = new Map<Tensor, number>();
  readonly #accumulated = new Map<Tensor, number>();
  readonly #sums = new Map<Tensor, PlannedSum>();
  readonly #haveProducts = new Map<Tensor, boolean>();

  /**
   * @param known nodes whose stacked values exist already
   * @param captured nodes that are the same at every step, with their values
   * @param dtype the dtype of the loop's value
   */
  constructor(
    private readonly length: number,
    private readonly known: ReadonlyMap<Tensor, Tensor>,
    private readonly captured: ReadonlyMap<Tensor, Tensor>,
    private readonly dtype: DType,
  ) {}

  /** Nodes of the body to be stacked. */
  get stacked(): Tensor[] {
    return [...this.#stacked.keys()];
  }

  /** Nodes of the body to be added up. */
  get accumulated(): Tensor[] {
    return [...this.#accumulated.keys()];
  }

  /** A node's values at all steps, stacked on a leading axis. */
  stack(node: Tensor): Later {
    const shape = [this.length, ...node.shape];
    let base = node;
    const isGiven = (x: Tensor) => this.known.has(x) || this.captured.has(x);
    while (base.op === reshapeOp && !isGiven(base)) base = base.input(0);
    if (base !== node) {
      const stacked = this.stack(base);
      return (built) => reshape(stacked(built), shape);
    }
    const known = this.known.get(node);
    if (known) return () => known;
    const captured = this.captured.get(node);
    if (captured) return () => expand(captured, shape);
    const place = placeOf(this.#stacked, cast(node, this.dtype));
    return ({ stacked }) => cast(at(stacked, place), node.dtype);
  }

  /** The sums of some nodes over all steps. */
  addAll(nodes: readonly (Tensor | undefined)[]): (Later | undefined)[] {
    // Products first: a sum over an axis of a product's operand then finds it stacked.
    for (const products of [true, false]) {
      for (const node of nodes) if (node && this.#hasProduct(node) === products) this.#add(node);
    }
    return nodes.map((node) => node && this.#add(node));
  }

  /** The sum of a node over all steps. Its terms are planned before it, and not by recursion: there may be many. */
  #add(node: Tensor): Later {
    const stack = [node];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = isLinear(top) ? top.inputs.find((input) => !this.#sums.has(input)) : undefined;
      if (next) {
        stack.push(next);
        continue;
      }
      stack.pop();
      if (this.#sums.has(top)) continue;
      const terms = isLinear(top) ? top.inputs.map((input) => this.#sums.get(input) as PlannedSum) : [];
      this.#sums.set(top, { terms, make: this.#planSum(top) });
    }
    const planned = this.#sums.get(node) as PlannedSum;
    return (built) => sumOf(planned, built);
  }

  #planSum(node: Tensor): PlannedSum['make'] {
    if (node.op === addOp) return (_, a, b) => add(a as Tensor, b as Tensor);
    if (isLinear(node)) return (_, inner) => new Tensor(node.op, [inner as Tensor], node.attributes);
    if (this.#isProduct(node)) {
      const [a, b] = [this.stack(node.input(0)), this.stack(node.input(1))];
      const rows = (x: Tensor) => reshape(x, [sizeOf(x.shape.slice(0, 2)), at(x.shape, 2)]);
      return (built) => matmul(rows(a(built)), rows(b(built)), { transposeA: true });
    }
    if (node.op === sumOp && this.#isStacked(node.input(0))) {
      const inner = this.stack(node.input(0));
      const { axes } = node.attributes as ReduceAttributes;
      return (built) => sum(inner(built), [0, ...axes.map((axis) => axis + 1)]);
    }
    const place = placeOf(this.#accumulated, cast(node, this.dtype));
    return ({ accumulated }) => cast(at(accumulated, place), node.dtype);
  }

  #hasProduct(node: Tensor): boolean {
    const known = this.#haveProducts;
    for (const term of reachable([node], (found) => known.has(found) || !isLinear(found))) {
      if (known.has(term)) continue;
      const found = isLinear(term) ? term.inputs.some((input) => known.get(input)) : this.#isProduct(term);
      known.set(term, found);
    }
    return known.get(node) === true;
  }

  /** True if the node is `a^T b` of two matrices that change from step to step. */
  #isProduct(node: Tensor): boolean {
    if (node.op !== matmulOp || node.ndim !== 2) return false;
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    return transposeA && !transposeB && !node.inputs.some((input) => this.captured.has(input));
  }

  #isStacked(node: Tensor): boolean {
    return this.known.has(node) || this.#stacked.has(node);
  }
}

/** The place of a node among results, in the order of their keys; it gets the next one if it has none. */
function placeOf(results: Map<Tensor, number>, node: Tensor): number {
  const place = results.get(node) ?? results.size;
  results.set(node, place);
  return place;
}

/** The value of a planned sum, built after its terms. */
function sumOf(planned: PlannedSum, built: BuiltLoop): Tensor {
  const stack = [planned];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.terms.find(({ value }) => !value);
    if (next) stack.push(next);
    else {
      top.value ??= top.make(built, ...top.terms.map(({ value }) => value as Tensor));
      stack.pop();
    }
  }
  return planned.value as Tensor;
}

/** True if the sum over the steps is made of those of its inputs: an addition, or a view that is no smaller. */
function isLinear({ op, inputs, size }: Tensor): boolean {
  return op === addOp || (op.kernel.family === 'view' && size >= (inputs[0]?.size ?? 0));
}

import { at } from '../../../graph/at.js';
import type { DType } from '../../../graph/dtype.js';
import { sizeOf } from '../../../graph/shapes.js';
import { Tensor } from '../../../graph/tensor.js';
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

/**
 * Plans values over all steps of a loop in terms of the nodes of its body, and collects the results that the loop has
 * to provide for them. The sum of a product of two matrices over the steps is one product of the stacked ones, which
 * is several times faster than a product and an addition at every step; other sums are accumulated in the loop.
 */
export class LoopSums {
  /** Nodes of the body to be stacked. */
  readonly stacked: Tensor[] = [];
  /** Nodes of the body to be added up. */
  readonly accumulated: Tensor[] = [];
  readonly #sums = new Map<Tensor, Later>();
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

  /** A node's values at all steps, stacked on a leading axis. */
  stack(node: Tensor): Later {
    const shape = [this.length, ...node.shape];
    const known = this.known.get(node);
    if (known) return () => known;
    const captured = this.captured.get(node);
    if (captured) return () => expand(captured, shape);
    if (node.op === reshapeOp) {
      const inner = this.stack(node.input(0));
      return (built) => reshape(inner(built), shape);
    }
    const place = placeOf(this.stacked, cast(node, this.dtype));
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

  /** The sum of a node over all steps, planned and built once, however many sums it is a term of. */
  #add(node: Tensor): Later {
    const known = this.#sums.get(node);
    if (known) return known;
    const later = once(this.#planSum(node));
    this.#sums.set(node, later);
    return later;
  }

  #planSum(node: Tensor): Later {
    if (node.op === addOp) {
      const [a, b] = [this.#add(node.input(0)), this.#add(node.input(1))];
      return (built) => add(a(built), b(built));
    }
    if (isLinearView(node)) {
      const inner = this.#add(node.input(0));
      return (built) => new Tensor(node.op, [inner(built)], node.attributes);
    }
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
    const place = placeOf(this.accumulated, cast(node, this.dtype));
    return ({ accumulated }) => cast(at(accumulated, place), node.dtype);
  }

  #hasProduct(node: Tensor): boolean {
    const known = this.#haveProducts.get(node);
    if (known !== undefined) return known;
    const linear = node.op === addOp || isLinearView(node);
    const found = linear ? node.inputs.some((input) => this.#hasProduct(input)) : this.#isProduct(node);
    this.#haveProducts.set(node, found);
    return found;
  }

  /** True if the node is `a^T b` of two matrices that change from step to step. */
  #isProduct(node: Tensor): boolean {
    if (node.op !== matmulOp || node.ndim !== 2) return false;
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    return transposeA && !transposeB && !node.inputs.some((input) => this.captured.has(input));
  }

  #isStacked(node: Tensor): boolean {
    return this.known.has(node) || this.stacked.includes(node);
  }
}

function once(later: Later): Later {
  let value: Tensor | undefined;
  return (built) => {
    value ??= later(built);
    return value;
  };
}

/** True if the sum of a view over the steps is the view of a sum that is no larger. */
function isLinearView({ op, inputs, size }: Tensor): boolean {
  return op.kernel.family === 'view' && size >= (inputs[0]?.size ?? 0);
}

function placeOf(list: Tensor[], node: Tensor): number {
  const known = list.indexOf(node);
  return known >= 0 ? known : list.push(node) - 1;
}

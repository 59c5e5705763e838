import { at } from '../../graph/at.js';
import { context, within } from '../../graph/context.js';
import { constant } from '../../graph/leaf.js';
import type { Shards } from '../../graph/op.js';
import { isAllReduce, reachable, Tensor } from '../../graph/tensor.js';
import { expand, type ReduceAttributes } from '../../ops/primitives/broadcast.js';
import { add } from '../../ops/primitives/elementwise.js';
import { matmulSum } from '../../ops/primitives/matmul-sum.js';
import { concat, reshape, slice } from '../../ops/primitives/movement.js';
import { joinRows } from '../../ops/primitives/rows.js';
import { drawsNumbers } from '../../ops/scan/capture.js';
import { addon } from '../../runtime/addon.js';
import { sumOfShards } from '../protocol/reduction-tree.js';

/** What copying an element costs, in floating-point operations of large products. */
const FLOPS_PER_COPY = 16;

/** A weight that a shard uses more often lies in the caches for it, and more rows at once gain nothing. */
const MOST_USES = 512;

/**
 * The graph of a shard, extended to several equal and neighbouring shards at once: all that depends on their rows has one
 * axis more, that of the shards, in front. The values have the bits of those that are computed shard by shard, because only
 * sums over the shards put these together.
 */
export class ShardsAtOnce {
  readonly #stacked = new Map<Tensor, Tensor>();
  /** The nodes of single shards. */
  readonly #apart = new Map<Tensor, Tensor[]>();
  /** What is the same for all shards, made anew: the order in which nodes are made is that of the plan's steps. */
  readonly #common = new Map<Tensor, Tensor>();
  readonly #sums = new Map<Tensor, Tensor>();
  /** Operations that take less time for all shards at once, and those that take as much, or more. */
  readonly #flops = { gaining: 0, others: 0 };
  #meets = false;

  /**
   * @param count number of shards
   * @param rows of a shard
   */
  constructor(
    private readonly count: number,
    private readonly rows: number,
  ) {}

  /** Says that an input [rows, ...] of the graph is that of all shards, [count * rows, ...]. */
  bind(input: Tensor, ofAll: Tensor): void {
    this.#stacked.set(input, reshape(ofAll, [this.count, ...input.shape]));
  }

  /**
   * Extends nodes to all shards.
   *
   * @param summed those of which `sum` is wanted
   * @returns false if there is a node of which this is not possible: a loop, or one that draws numbers
   */
  extend(nodes: readonly Tensor[], summed: readonly Tensor[] = []): boolean {
    const ofSums = new Set(summed);
    const all = reachable([...nodes, ...summed]);
    const parts = partsOfSums(all, nodes, ofSums);
    for (const node of all) {
      if (!this.#extend(node, parts.has(node))) return false;
      // At once, so that the parts of a sum are needed no longer.
      if (ofSums.has(node))
        this.#sums.set(
          node,
          this.#like(node, () => this.#sumOf(node)),
        );
    }
    return true;
  }

  /**
   * True if most of the work takes less time for all shards at once. Else each shard's values stay in the caches if it is
   * computed by itself, unless shards meet on the way.
   */
  get pays(): boolean {
    return this.#meets || this.#flops.gaining >= this.#flops.others;
  }

  /** The value of each shard, [count, ...shape]. */
  each(node: Tensor): Tensor {
    return this.#stackedOf(node);
  }

  /** The rows of all shards, [count * n, ...] for a value [n, ...]. */
  joined(node: Tensor): Tensor {
    return joinRows(this.each(node));
  }

  /** The sum over the shards, in the order of the reduction tree. */
  sum(node: Tensor): Tensor {
    return this.#sums.get(node) as Tensor;
  }

  #isCut(node: Tensor): boolean {
    return this.#stacked.has(node) || this.#apart.has(node);
  }

  /** @param isPart true if the node is made for each shard when the sum over the shards comes to it */
  #extend(node: Tensor, isPart: boolean): boolean {
    if (this.#isCut(node)) return true;
    const isCut = node.inputs.some((input) => this.#isCut(input));
    if (isCut || isOfRows(node) || isAllReduce(node)) return this.#add(node, isPart);
    // A loop would draw the numbers of the first shard for all of them.
    if (drawsNumbers(node)) return false;
    if (node.inputs.length > 0) {
      const copy = () =>
        new Tensor(
          node.op,
          node.inputs.map((x) => this.#commonOf(x)),
          node.attributes,
        );
      this.#common.set(node, this.#like(node, copy));
    }
    return true;
  }

  #commonOf(node: Tensor): Tensor {
    return this.#common.get(node) ?? node;
  }

  #add(node: Tensor, isPart: boolean): boolean {
    // Computed by itself, a shard would draw the numbers of the first one.
    if (node.op.draws?.(node)) return false;
    if (isPart) {
      this.#apart.set(node, []);
      return true;
    }
    const stacked = this.#like(node, () => this.#atOnce(node));
    if (stacked) {
      const known = stacked.ndim > node.ndim ? this.#stacked : this.#common;
      known.set(node, stacked);
      this.#meets ||= isAllReduce(node);
      this.#countUses(node);
      return true;
    }
    if (node.inputs.length === 0 || node.op.kernel.family === 'scan') return false;
    this.#flops.others += node.op.cost(node);
    this.#apart.set(node, []);
    for (let shard = 0; shard < this.count; shard++) this.#ofShard(node, shard);
    return true;
  }

  /** Counts the operations of a node by how often a shard uses its weights. */
  #countUses(node: Tensor): void {
    const weights = node.inputs.filter((input) => !this.#isCut(input));
    if (node.op.kernel.family !== 'call' || weights.length === 0) return;
    const flops = node.op.cost(node);
    const uses = flops / 2 / Math.max(1, ...weights.map(({ size }) => size));
    if (uses > MOST_USES) this.#flops.others += flops;
    else this.#flops.gaining += flops;
  }

  /** Computes what belongs to a node, with its layer and its checkpoint. */
  #like<T>({ origin, scope }: Tensor, fn: () => T): T {
    return within({ ...context(), origin, scope }, fn);
  }

  #atOnce(node: Tensor): Tensor | undefined {
    const { op, attributes } = node;
    const shards: Shards = {
      count: this.count,
      rows: this.rows,
      common: (i) => (this.#isCut(node.input(i)) ? undefined : this.#commonOf(node.input(i))),
      stacked: (i) => this.#stackedOf(node.input(i)),
    };
    if (op.shards) return op.shards(node, shards);
    const all = () => node.inputs.map((input) => this.#stackedOf(input));
    switch (op.kernel.family) {
      case 'map':
        return new Tensor(op, all(), attributes);
      case 'identity':
        return this.#stackedOf(node.input(0));
      case 'reduce': {
        const axes = op.kernel.axes(attributes).map((axis) => axis + 1);
        return new Tensor(op, all(), { axes } satisfies ReduceAttributes);
      }
      default:
        return undefined;
    }
  }

  #stackedOf(node: Tensor): Tensor {
    let stacked = this.#stacked.get(node);
    if (!stacked) {
      const one = (x: Tensor) => reshape(x, [1, ...node.shape]);
      if (!this.#apart.has(node)) return expand(one(this.#commonOf(node)), [this.count, ...node.shape]);
      const apart = Array.from({ length: this.count }, (_, shard) => one(this.#ofShard(node, shard)));
      stacked = concat(apart);
      this.#flops.others += FLOPS_PER_COPY * node.size;
      this.#stacked.set(node, stacked);
    }
    return stacked;
  }

  #ofShard(node: Tensor, shard: number): Tensor {
    if (!this.#isCut(node)) return this.#commonOf(node);
    const apart = this.#apart.get(node) ?? [];
    this.#apart.set(node, apart);
    apart[shard] ??= this.#like(node, () => {
      const stacked = this.#stacked.get(node);
      if (stacked) return reshape(slice(stacked, [[shard, shard + 1]]), node.shape);
      return new Tensor(
        node.op,
        node.inputs.map((x) => this.#ofShard(x, shard)),
        node.attributes,
      );
    });
    return apart[shard] as Tensor;
  }

  #sumOf(node: Tensor): Tensor {
    const program = [...sumOfShards(this.count)];
    const product = this.#productOf(node, program);
    if (product) return product;
    const stack: Tensor[] = [];
    for (const word of program) {
      if (word !== addon().constants.sums.add) {
        stack.push(this.#ofShard(node, word));
        continue;
      }
      const right = stack.pop() as Tensor;
      stack.push(add(stack.pop() as Tensor, right));
    }
    return at(stack, 0);
  }

  /** The sum of products `a^T b`, whose rows are those of the shards; undefined if the node is none. */
  #productOf(node: Tensor, program: readonly number[]): Tensor | undefined {
    const factors = node.op.laws?.factors?.(node);
    if (!factors || !this.#isCut(factors.a) || !this.#isCut(factors.b)) return undefined;
    // A product reads transposed matrices in place, and may add in another order.
    if (isStrided(factors.a) || isStrided(factors.b)) return undefined;
    const [a, b] = [this.#stackedOf(factors.a), this.#stackedOf(factors.b)];
    const rows = constant(new Int32Array(this.count).fill(at(a.shape, 1)), [this.count], 'int32');
    return matmulSum({ a, b, rows }, { program, perRow: 1, inOrder: true });
  }
}

/**
 * The nodes that nothing but sums over the shards reads, such as the gradients of a weight that is used twice before they are
 * added. A stack of them for all shards would take much memory.
 */
function partsOfSums(
  all: readonly Tensor[],
  others: readonly Tensor[],
  summed: ReadonlySet<Tensor>,
): ReadonlySet<Tensor> {
  const [parts, wanted, readElsewhere] = [new Set<Tensor>(), new Set(summed), new Set(others)];
  for (const node of all.toReversed()) {
    const { family } = node.op.kernel;
    const isSimple = family === 'map' || family === 'identity' || family === 'view';
    const isPart =
      wanted.has(node) &&
      !readElsewhere.has(node) &&
      node.inputs.length > 0 &&
      (isSimple || family === 'call') &&
      !isAllReduce(node);
    if (isPart) parts.add(node);
    for (const input of node.inputs) {
      const goesOn = isPart && isSimple && input.size === node.size;
      (goesOn ? wanted : readElsewhere).add(input);
    }
  }
  return parts;
}

/** True if a value may lie in memory otherwise than row after row. */
function isStrided(node: Tensor): boolean {
  const { kernel } = node.op;
  const keepsOrder = kernel.family === 'identity' || (kernel.family === 'view' && kernel.keepsOrder);
  return keepsOrder ? isStrided(node.input(0)) : kernel.family === 'view';
}

/** True if a value without inputs has other numbers in each shard. */
function isOfRows({ inputs, op }: Tensor): boolean {
  return inputs.length === 0 && op.shards !== undefined;
}

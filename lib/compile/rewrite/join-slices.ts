import type { Tensor } from '../../graph/tensor.js';
import { addOp } from '../../ops/primitives/elementwise.js';
import { scatterSliceOp } from '../../ops/primitives/movement.js';
import { isFramedSlice, SliceSum } from './slice-sum.js';

/** Most terms of a sum that are looked up again where its slices are no longer known. */
const MOST_TERMS = 64;

/**
 * Rewrites sums of zero-padded slices, some of which are adjacent, to fewer slices with less padding, or none: the
 * gradients of the parts of a split tensor are concatenated instead of added up with zeros. The slices are gathered from
 * one addition to the next, and joined where the sum is complete.
 */
export class SliceJoiner {
  /** The additions whose result only another addition of slices reads. */
  readonly #inner: ReadonlySet<Tensor>;
  readonly #slices = new Map<Tensor, SliceSum>();

  /** @param nodes the graph before it is rewritten, in topological order */
  constructor(nodes: readonly Tensor[], roots: readonly Tensor[]) {
    this.#inner = innerSums(nodes, roots);
  }

  /**
   * The sum of two rewritten tensors, if both consist of slices that can be joined.
   *
   * @param plain makes the sum itself
   * @returns null if they do not
   */
  add(a: Tensor, b: Tensor, plain: () => Tensor): Tensor | null {
    const [left, right] = [this.#slicesOf(a), this.#slicesOf(b)];
    const both = a !== b && left && right ? left.with(right) : null;
    if (!both) return null;
    this.#slices.delete(a);
    this.#slices.delete(b);
    const sum = plain();
    this.#slices.set(sum, both);
    return sum;
  }

  /** What a node was rewritten to, with its slices joined unless another addition goes on with them. */
  settled(node: Tensor, rewritten: Tensor): Tensor {
    return this.#inner.has(node) ? rewritten : this.joined(rewritten);
  }

  /** The tensor, or if it is a sum of slices of which some are adjacent, the sum with these joined. */
  joined(rewritten: Tensor): Tensor {
    const slices = this.#slices.get(rewritten);
    return slices?.joins ? slices.build() : rewritten;
  }

  /** The slices that a tensor consists of, or null. */
  #slicesOf(x: Tensor): SliceSum | null {
    const known = this.#slices.get(x);
    if (known) return known;
    if (isFramedSlice(x)) return new SliceSum(x);
    return x.op === addOp ? slicesOfTerms(x) : null;
  }
}

/** The slices that a small sum consists of; null if a term is none, or they cannot be joined. */
function slicesOfTerms(sum: Tensor): SliceSum | null {
  let slices: SliceSum | null = null;
  const stack = [sum];
  for (let count = 0, term = stack.pop(); term; term = stack.pop(), count++) {
    if (count === 2 * MOST_TERMS) return null;
    if (term.op === addOp) stack.push(...term.inputs);
    else if (isFramedSlice(term)) {
      const one = new SliceSum(term);
      slices = slices ? slices.with(one) : one;
      if (!slices) return null;
    } else return null;
  }
  return slices;
}

/** The additions of slices, or of sums of slices, that have a single reader, which is such an addition too. */
function innerSums(nodes: readonly Tensor[], roots: readonly Tensor[]): Set<Tensor> {
  const sums = new Set<Tensor>();
  const readers = new Map<Tensor, number>(roots.map((root) => [root, 1]));
  const isOfSlices = (x: Tensor): boolean => x.op === scatterSliceOp || sums.has(x);
  for (const node of nodes) {
    for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
    if (node.op === addOp && node.inputs.every(isOfSlices)) sums.add(node);
  }
  const inner = [...sums].flatMap(({ inputs }) => inputs.filter((x) => sums.has(x) && readers.get(x) === 1));
  return new Set(inner);
}

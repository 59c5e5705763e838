import { isFloat } from '../../graph/dtype.js';
import { reachable, type Tensor } from '../../graph/tensor.js';
import { type Affine, coefficientOf, followedBy, unchanged } from './affine.js';
import { settledSizes } from './hoist.js';

/** Ops in a row that scale and shift the elements of the last axis of a value; nothing else reads those within the chain. */
export interface Chain {
  /** The value that the first op reads. */
  readonly base: Tensor;
  readonly affine: Affine;
}

/** The chains of a graph whose coefficients are settled. */
export class Chains {
  readonly #settled: ReadonlyMap<Tensor, number>;
  /** The number of readers of each node, among which the roots are one each. */
  readonly #readers = new Map<Tensor, number>();
  /** The longest chain that ends at each node. */
  readonly #byEnd = new Map<Tensor, Chain>();
  /** The nodes whose chain goes on. */
  readonly #inner = new Set<Tensor>();

  constructor(roots: readonly Tensor[]) {
    const nodes = reachable(roots);
    this.#settled = settledSizes(nodes);
    for (const read of roots) this.#count(read);
    for (const { inputs } of nodes) for (const read of new Set(inputs)) this.#count(read);
    for (const node of nodes) this.#find(node);
  }

  isSettled(node: Tensor): boolean {
    return this.#settled.has(node);
  }

  /** True if a node has one reader. */
  isReadOnce(node: Tensor): boolean {
    return this.#readers.get(node) === 1;
  }

  /** The chain that ends at a node, from as far back as possible. */
  endingAt(node: Tensor): Chain | undefined {
    return this.#byEnd.get(node);
  }

  /** The same, unless the chain goes on behind the node. */
  wholeAt(node: Tensor): Chain | undefined {
    return this.#inner.has(node) ? undefined : this.#byEnd.get(node);
  }

  #count(read: Tensor): void {
    this.#readers.set(read, (this.#readers.get(read) ?? 0) + 1);
  }

  #find(node: Tensor): void {
    const before = this.#chained(node);
    if (!before) return;
    const [value, change] = before;
    const known = this.isReadOnce(value) ? this.#byEnd.get(value) : undefined;
    const { base, affine } = known ?? { base: value, affine: unchanged };
    const next = change(affine);
    if (!next) return;
    this.#byEnd.set(node, { base, affine: next });
    if (known) this.#inner.add(value);
  }

  /** The input that a node scales, shifts or gives another shape, and how that changes the chain before. */
  #chained(node: Tensor): [value: Tensor, change: (affine: Affine) => Affine | undefined] | undefined {
    if (this.isSettled(node) || !isFloat(node.dtype)) return undefined;
    const { kernel } = node.op;
    const [first, second] = node.inputs;
    if (first && kernel.family === 'view') {
      const same = kernel.keepsOrder && first.shape.at(-1) === node.shape.at(-1);
      return same ? [first, (affine) => affine] : undefined;
    }
    if (!first || !second || kernel.family !== 'map') return undefined;
    const isLeft = this.isSettled(second);
    const [value, other] = isLeft ? [first, second] : [second, first];
    const coefficient = this.isSettled(other) ? coefficientOf(other) : undefined;
    if (coefficient === undefined) return undefined;
    return [value, (affine) => followedBy(node, affine, coefficient, isLeft)];
  }
}

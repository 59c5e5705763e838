import { context, within } from '../../graph/context.js';
import { type InputAttributes, input } from '../../graph/leaf.js';
import type { Tensor } from '../../graph/tensor.js';
import { matmulSum } from '../../ops/primitives/matmul-sum.js';
import { reshape, slice } from '../../ops/primitives/movement.js';
import { addon } from '../../runtime/addon.js';
import { ROWS } from '../protocol/factor-names.js';
import type { FactorMemory, Slice, Source, WeightProduct } from '../protocol/job.js';
import { sumOfShards } from '../protocol/reduction-tree.js';
import { placeAt } from './bindings.js';
import { BLOCK_ELEMENTS, unstoredElements } from './weight-products.js';

/** Most blocks of all weights, so that plans of very large models do not take long to compile. */
const MOST_BLOCKS = 128;

/** Some rows of a weight, whose gradient is computed from the factors of all shards. */
interface GradientBlock extends Slice {
  readonly gradient: Tensor;
}

/** The gradients of a plan that are computed from factors, with the inputs for these and their sources. */
export class ProductGradients {
  readonly inputs: Tensor<InputAttributes>[] = [];
  readonly sources: (string | Source)[] = [];
  readonly #factors = new Map<WeightProduct, { readonly a: Tensor; readonly b: Tensor }>();
  readonly #program: readonly number[];
  /** Most elements of a block, if it has more than one strip. */
  readonly #blockElements: number;
  #rows: Tensor | undefined;

  constructor(private readonly memory: FactorMemory) {
    const { layout } = memory;
    this.#program = [...sumOfShards(layout.shards)];
    this.#blockElements = Math.max(BLOCK_ELEMENTS, Math.ceil(unstoredElements(layout) / MOST_BLOCKS));
  }

  /** The gradient of a part of a weight, which begins with a row, in blocks. */
  *blocksOf(product: WeightProduct, part: Slice): Generator<GradientBlock> {
    const { start, columns, rows, origin } = product;
    const first = (part.start - start) / columns;
    const end = Math.min(rows, Math.ceil((part.end - start) / columns));
    const step = this.#rowsOfBlock(end - first, columns);
    for (let from = first; from < end; from += step) {
      const to = Math.min(end, from + step);
      // The product belongs to the layer, and what follows to the update.
      const gradient = within({ ...context(), origin }, () => this.#gradientOf(product, from, to));
      const [begin, stop] = [start + from * columns, start + to * columns];
      yield { start: begin, end: stop, gradient: reshape(gradient, [stop - begin]) };
    }
  }

  /** About equal blocks, cut at multiples of what may be cut. */
  #rowsOfBlock(rows: number, columns: number): number {
    const { stripRows } = addon().constants.sums;
    const blocks = Math.ceil((rows * columns) / this.#blockElements);
    return Math.ceil(rows / blocks / stripRows) * stripRows;
  }

  #gradientOf(product: WeightProduct, from: number, to: number): Tensor {
    const { a, b } = this.#factorsOf(product);
    const some = slice(a, [[], [], [from, to]]);
    this.#rows ??= this.#input(ROWS, [this.memory.layout.shards], 'int32', ROWS);
    return matmulSum({ a: some, b, rows: this.#rows }, { program: this.#program, perRow: product.perRow });
  }

  #factorsOf(product: WeightProduct): { readonly a: Tensor; readonly b: Tensor } {
    let known = this.#factors.get(product);
    if (!known) {
      const { layout, memory } = this.memory;
      const { rows, columns, perRow } = product;
      const shape = [layout.shards, layout.mostRows * perRow];
      known = {
        a: this.#input(
          `a ${product.aStart}`,
          [...shape, rows],
          memory.dtype,
          placeAt(memory, product.aStart),
        ),
        b: this.#input(
          `b ${product.bStart}`,
          [...shape, columns],
          memory.dtype,
          placeAt(memory, product.bStart),
        ),
      };
      this.#factors.set(product, known);
    }
    return known;
  }

  #input(name: string, shape: number[], dtype: FactorMemory['memory']['dtype'], source: string | Source) {
    const made = input(name, shape, dtype);
    this.inputs.push(made);
    this.sources.push(source);
    return made;
  }
}

import { context } from './context.js';
import type { DType } from './dtype.js';
import { invalid } from './errors.js';
import type { OpRecord } from './op.js';
import type { Origin } from './origin.js';
import type { CheckpointScope } from './scope.js';
import { type Shape, sizeOf } from './shapes.js';

/** Counts the nodes of the process, in all traces, so that ids order any two of them. */
let nextId = 0;

/**
 * A node of the graph: an op, its inputs, its attributes, and the shape and dtype of its value. Immutable. Nothing is
 * computed until the value is requested, by `data()` or by a compiled function.
 *
 * Ids increase in order of creation, so sorting nodes by id gives a topological order.
 */
export class Tensor<A = unknown> {
  readonly id: number = nextId++;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The layer and phase that made the node, where origins are recorded. */
  readonly origin: Origin | undefined = context().origin;
  /** The checkpoint scope that the node is recomputed with, if any. Changed by `moveOut` alone. */
  scope: CheckpointScope | undefined = context().scope;

  constructor(
    readonly op: OpRecord<A>,
    readonly inputs: readonly Tensor[],
    readonly attributes: A,
  ) {
    if (typeof op?.type !== 'function')
      throw invalid('Tensor', 'is made by the ops; values become one by tensor()', op);
    const { shape, dtype } = op.type(inputs, attributes);
    this.shape = shape;
    this.dtype = dtype;
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** One input. Throws a RangeError if the node has no such input. */
  input(index: number): Tensor {
    const input = this.inputs[index];
    if (!input) throw new RangeError(`${this.op.kind} has ${this.inputs.length} inputs, not ${index + 1}`);
    return input;
  }

  toString(): string {
    return `Tensor(${this.op.kind}, ${this.dtype}[${this.shape.join(',')}])`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** The id of the next node. Nodes made between two calls have ids from the first up to but excluding the second. */
export function upcomingId(): number {
  return nextId;
}

/** `roots` and all nodes that they depend on, in topological order. Does not search below nodes that end it. */
export function reachable(roots: Iterable<Tensor>, isEnd: (node: Tensor) => boolean = () => false): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...roots];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    // Not spread over the arguments of a call, whose number is limited.
    if (!isEnd(node)) for (const input of node.inputs) stack.push(input);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** True if all shards of a batch wait for each other in the node. */
export function isAllReduce(node: Tensor): boolean {
  const { kernel } = node.op;
  return kernel.family === 'call' && kernel.call(node).allReduces === true;
}

import { sizeOf } from '../../lib/graph/shapes.js';
import type { nn, Shape } from '../../lib/index.js';
import type { OnnxGraph, ValueName } from './graph.js';

/** The values of a parameter or buffer. */
interface Weight {
  readonly shape: Shape;
  readonly values: Float32Array;
}

/** The parameters and buffers of a module by their paths, as constants of a graph. */
export class Weights {
  private constructor(
    private readonly graph: OnnxGraph,
    private readonly all: ReadonlyMap<string, Weight>,
  ) {}

  static async of(graph: OnnxGraph, model: nn.Module): Promise<Weights> {
    const all = new Map<string, Weight>();
    for (const [path, part] of [...model.namedParameters(), ...model.namedBuffers()]) {
      all.set(path, { shape: part.shape, values: (await part.data()) as Float32Array });
    }
    return new Weights(graph, all);
  }

  /** A constant with the values under a path. */
  constant(path: string): ValueName {
    const { values, shape } = this.at(path);
    return this.graph.constant(values, shape);
  }

  /** A constant whose axis `i` is axis `order[i]` of the values under a path. */
  permuted(path: string, order: readonly number[]): ValueName {
    const { values, shape } = this.at(path);
    return this.graph.constant(
      permute(values, shape, order),
      order.map((axis) => shape[axis] as number),
    );
  }

  has(path: string): boolean {
    return this.all.has(path);
  }

  at(path: string): Weight {
    const weight = this.all.get(path);
    if (!weight) throw new Error(`bench: the model has no ${path}`);
    return weight;
  }
}

/** An array whose axis `i` is axis `order[i]` of `values`. */
export function permute(values: Float32Array, shape: Shape, order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const result = new Float32Array(values.length);
  let next = 0;
  const copy = (depth: number, from: number): void => {
    const axis = order[depth];
    if (axis === undefined) {
      result[next++] = values[from] as number;
      return;
    }
    const [length, stride] = [shape[axis] as number, strides[axis] as number];
    for (let i = 0; i < length; i++) copy(depth + 1, from + i * stride);
  };
  copy(0, 0);
  return result;
}

import { input } from '../../../graph/leaf.js';
import type { Shape } from '../../../graph/shapes.js';
import { type Tensor, vjp } from '../../../index.js';
import type { Values } from '../../scenario.js';
import type { KernelCase, PeerOp } from '../kernel-case.js';

/** What most cases say. */
export interface FunctionCase extends Pick<KernelCase, 'family' | 'name' | 'inputs' | 'bytes'> {
  fn(...inputs: Tensor[]): Tensor;
  /** Default 0. */
  readonly flops?: number;
  /** The function in PyTorch; its operands are those of the case. */
  readonly peer?: Omit<PeerOp, 'inputs' | 'gradients'>;
}

/** Values of float32. */
export function floats(...shape: readonly number[]): Values {
  return { dtype: 'float32', shape };
}

/** Indices below a number. */
export function indices(below: number, ...shape: readonly number[]): Values {
  return { dtype: 'int32', shape, below };
}

/** The case of a function of its operands. */
export function functionCase({ fn, peer, flops = 0, ...rest }: FunctionCase): KernelCase {
  return {
    ...rest,
    flops,
    graph: (inputs) => [fn(...inputs)],
    ...(peer ? { peer: { ...peer, inputs: rest.inputs } } : {}),
  };
}

/**
 * The case of a function with its gradients: what the backward pass needs is computed as well.
 *
 * @param wrt places of the operands whose gradients are computed
 */
export function gradientCase(
  { fn, peer, flops = 0, name, ...rest }: FunctionCase,
  wrt: readonly number[],
): KernelCase {
  const inputs = [...rest.inputs, floats(...resultShape(fn, rest.inputs))];
  return {
    ...rest,
    name: `${name} with gradients`,
    inputs,
    flops,
    graph: (given) => {
      const operands = given.slice(0, -1);
      const result = fn(...operands);
      const cotangent = given.at(-1) as Tensor;
      return [
        result,
        ...vjp(
          [result],
          [cotangent],
          wrt.map((place) => operands[place] as Tensor),
        ),
      ];
    },
    ...(peer ? { peer: { ...peer, inputs, gradients: wrt } } : {}),
  };
}

/** A function and the same with its gradients. */
export function bothCases(of: FunctionCase, wrt: readonly number[] = [0]): KernelCase[] {
  return [functionCase(of), gradientCase(of, wrt)];
}

function resultShape(fn: FunctionCase['fn'], inputs: readonly Values[]): Shape {
  return fn(...inputs.map(({ shape, dtype }, i) => input(`input${i}`, shape, dtype))).shape;
}

/** A shape as `2x3`. */
export function by(...sizes: readonly number[]): string {
  return sizes.join('x');
}

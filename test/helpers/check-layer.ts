import type { nn, Shape, Tensor } from 'chainrule';
import { type CheckOptions, checkOp, type InputSpec } from './check-op.js';

/**
 * Checks a layer as `checkOp` checks a function: in float64, its gradients and second-order gradients for its inputs
 * and all of its parameters, against differences.
 *
 * @param name the first word is the layer's class
 * @param create makes the layer, with float64 parameters; its mode may be set
 */
export async function checkLayer(
  name: string,
  create: () => nn.Module,
  inputs: readonly (Shape | InputSpec)[],
  options: CheckOptions = {},
): Promise<void> {
  const parameters = create().namedParameters();
  const fn = (...args: Tensor[]): Tensor => {
    const layer = create();
    const values = args.slice(inputs.length);
    parameters.forEach(([path], i) => {
      replace(layer, path, values[i] as Tensor);
    });
    return layer.forward(...args.slice(0, inputs.length));
  };
  const shapes = parameters.map(([, { shape }]) => ({ shape, low: -1, high: 1 }));
  await checkOp(name, fn, [...inputs, ...shapes], options);
}

/** Puts a plain tensor in the place of a parameter, so that gradients and differences can be taken of it. */
function replace(layer: nn.Module, path: string, value: Tensor): void {
  const names = path.split('.');
  const last = names.pop() as string;
  let owner = layer as unknown as Record<string, unknown>;
  for (const name of names) owner = owner[name] as Record<string, unknown>;
  owner[last] = value;
}

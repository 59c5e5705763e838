import { Storage } from '../../../graph/storage.js';
import { nn, optim, type Tensor, Variable, vjp } from '../../../index.js';
import type { KernelCase } from '../kernel-case.js';
import { by, floats } from './build.js';

const OPTIMIZERS = ['sgd', 'adam', 'adamW'] as const;

/** Parameters of a small layer, of a large one, and of more than all caches. */
const PARAMETERS = [2 ** 14, 2 ** 18, 2 ** 22, 2 ** 24];

/** Updates of parameters by their gradients. */
export const updateCases: readonly KernelCase[] = PARAMETERS.flatMap((size) =>
  OPTIMIZERS.map((optimizer): KernelCase => {
    const inputs = [floats(size)];
    return {
      family: 'update',
      name: `${optimizer}, ${size}`,
      inputs,
      graph: ([gradient]) => {
        optim[optimizer]({ lr: 1e-3 }).step(
          [new Variable(new Storage([size], 'float32'))],
          [gradient as Tensor],
        );
        return [];
      },
      flops: 0,
      peer: { op: 'update', inputs, options: { optimizer } },
    };
  }),
);

/** Samples, steps, and the sizes of input and state. */
const LOOPS: readonly (readonly [batch: number, steps: number, inputs: number, hidden: number])[] = [
  [16, 100, 64, 256],
  [32, 20, 128, 128],
];

/** Loops over the steps of a sequence, and one step of them. */
export const loopCases: readonly KernelCase[] = [
  ...LOOPS.flatMap((size) => [lstmCase(size, false), lstmCase(size, true)]),
  ...[1, 32].map((batch) => lstmCase([batch, 1, 64, 256], false)),
];

function lstmCase([batch, steps, width, hidden]: (typeof LOOPS)[number], gradients: boolean): KernelCase {
  const x = floats(batch, steps, width);
  const inputs = gradients ? [x, floats(batch, steps, hidden)] : [x];
  const forward = 2 * batch * steps * 4 * hidden * (width + hidden);
  // No gradient of the input is asked for.
  const backward = forward + 2 * batch * steps * 4 * hidden * hidden;
  return {
    family: 'loop',
    name: `LSTM ${by(batch, steps, width)} to ${hidden}${gradients ? ' with gradients' : ''}`,
    inputs,
    graph: ([given, cotangent]) => {
      const layer = new nn.LSTM(width, hidden).init(1);
      const { output } = layer.run(given as Tensor);
      if (!cotangent) return [output];
      return [output, ...vjp([output], [cotangent], layer.parameters())];
    },
    flops: forward + (gradients ? backward : 0),
    peer: {
      op: 'lstm',
      inputs,
      options: { width, hidden },
      ...(gradients ? { gradients: [] } : {}),
    },
  };
}

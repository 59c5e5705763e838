import { nn } from 'chainrule';
import type { Scenario } from '../scenario.js';

/** A multi-layer perceptron with ReLU between its layers. */
function perceptron(widths: readonly number[]): nn.Module {
  const layers = widths.slice(1).flatMap((width, i): nn.Module[] => {
    const linear = new nn.Linear(widths[i] as number, width);
    return i + 2 < widths.length ? [linear, new nn.ReLU()] : [linear];
  });
  return new nn.Sequential(...layers);
}

function scenario(name: string, widths: readonly number[], batchSize: number): Scenario {
  return {
    name,
    title: widths.join('-'),
    batchSize,
    input: [widths[0] as number],
    classes: widths.at(-1) as number,
    model: () => perceptron(widths),
  };
}

export const tinyMlp = scenario('tiny_mlp', [16, 64, 64, 2], 32);
export const mnistMlp = scenario('mnist_mlp', [784, 512, 256, 10], 128);
export const largeMlp = scenario('large_mlp', [1024, 2048, 2048, 2048, 1000], 256);

import { data, nn, type Tensor } from 'chainrule';
import { permutation } from '#lib/graph/random.js';
import type { EpochResult } from '#lib/train/options.js';

export type Dataset = ReturnType<typeof data.fromArrays>;

/** Numbers from -1 to 1 that look random and are always the same. */
export function noise(length: number, seed: number): Float32Array {
  const order = permutation(length, seed);
  return Float32Array.from(order, (at) => (2 * at) / Math.max(1, length - 1) - 1);
}

/** Samples of `features` numbers, whose class is the largest of the first `classes` of them. */
export function points(length: number, { features = 6, classes = 3, seed = 1 } = {}): Dataset {
  const inputs = noise(length * features, seed);
  const labels = Int32Array.from({ length }, (_, i) => {
    const first = inputs.subarray(i * features, i * features + classes);
    return first.indexOf(Math.max(...first));
  });
  return data.fromArrays(inputs, labels, { inputs: { shape: [features] } });
}

/** Images of 8 x 8, whose class is the quarter that is the brightest. */
export function images(length: number, seed = 1): Dataset {
  const pixels = noise(length * 64, seed);
  const labels = Int32Array.from({ length }, (_, i) => i % 4);
  labels.forEach((label, i) => {
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        const at = i * 64 + (y + 4 * (label >> 1)) * 8 + x + 4 * (label % 2);
        pixels[at] = (pixels[at] as number) + 1;
      }
    }
  });
  return data.fromArrays(pixels, labels, { inputs: { shape: [8, 8, 1] } });
}

export const mlp = (features = 6, classes = 3, hidden = 16) =>
  new nn.Sequential(new nn.Linear(features, hidden), new nn.Tanh(), new nn.Linear(hidden, classes));

/** A convolutional net for `images`, with dropout. */
export class Net extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1 });
  drop = new nn.Dropout(0.25);
  fc = new nn.Linear(4 * 4 * 4, 4);

  forward(x: Tensor): Tensor {
    const features = nn.maxPool2d(this.conv.forward(x).relu(), 2);
    return this.fc.forward(this.drop.forward(features).flatten(1));
  }
}

/** Cross-entropy that looks at no label before a worker does. */
export const uncheckedLoss = (output: Tensor, labels: Tensor) => nn.crossEntropy(output, labels);

export async function collect(epochs: AsyncIterable<EpochResult>): Promise<EpochResult[]> {
  const results: EpochResult[] = [];
  for await (const epoch of epochs) results.push(epoch);
  return results;
}

/** The loss of every step of some epochs. */
export const stepLosses = (epochs: readonly EpochResult[]) =>
  epochs.flatMap((epoch) => [...epoch.stepLosses]);

/** All values of a model's parameters, one after another. */
export const parametersOf = (model: nn.AnyModule) =>
  model.parameters().flatMap(({ storage }) => [...storage.data]);

/** The threads of this process besides the main one. */
export function threads(): number {
  const { report } = process;
  if (!report) throw new Error('this Node.js gives no reports');
  Object.assign(report, { excludeNetwork: true });
  return (report.getReport() as unknown as { workers: unknown[] }).workers.length;
}

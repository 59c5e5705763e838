import { compile, type DType, data, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { hashIntegers, hashUniform, initialiseByFormula } from './lib/formula.js';
import { runAsProgram } from './lib/program.js';
import { recordedRuns, reportBeside } from './lib/recorded.js';
import { ResNet20 } from './lib/resnet.js';

const SHAPE = [32, 32, 3];

export interface ResNetOptions {
  /** Number of steps. Default 20. */
  readonly steps?: number;
  /** Batch size. Default 16. */
  readonly batch?: number;
  /** Dtype of everything but the labels. Default float32. */
  readonly dtype?: DType;
}

/**
 * Trains ResNet-20 (He et al. 2016, see `lib/resnet.ts`) on images from a formula, by gradient descent with the
 * paper's rate of 0.1, momentum of 0.9 and weight decay of 1e-4. Yields the loss of each step. PyTorch's losses on
 * the same images from the same weights are in `test/fixtures/papers.json`.
 *
 * Rounding errors grow about tenfold every three steps here: PyTorch's own runs in float32 and in float64 differ in
 * the first digit at the end. All 20 steps can therefore be compared in float64 only.
 */
export async function* trainResNet20(options: ResNetOptions = {}): AsyncGenerator<number, void, undefined> {
  const { steps = 20, batch = 16, dtype = 'float32' } = options;
  const model = initialiseByFormula(new ResNet20({ dtype }));
  const parameters = model.parameters();
  const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
  const learn = compile((images: Tensor, labels: Tensor) => {
    const loss = nn.crossEntropy(model.forward(images.to(dtype)), labels);
    optimizer.step(parameters, grad(loss, parameters));
    return loss;
  });
  try {
    for (const { inputs, targets } of data.batches(colourPatterns(steps * batch), { batchSize: batch })) {
      yield (await learn(tensor(inputs.data, inputs), tensor(targets.data, targets))).item();
    }
  } finally {
    learn.release();
  }
}

/** Images from -1 to 1: noise over one of ten colour patterns, whose number is the label. */
export function colourPatterns(count: number): data.Dataset {
  const size = SHAPE.reduce((a, b) => a * b);
  const labels = hashIntegers(count, 17, 10);
  const patterns = hashUniform(10 * size, 18);
  const noise = hashUniform(count * size, 19);
  const images = Float32Array.from(noise, (value, i) => {
    const pattern = patterns[(labels[Math.floor(i / size)] as number) * size + (i % size)] as number;
    return 2 * (0.6 * pattern + 0.4 * value) - 1;
  });
  return data.fromArrays(images, Int32Array.from(labels), { inputs: { shape: SHAPE } });
}

await runAsProgram(import.meta.url, async () => {
  const { torch, resnet20 } = recordedRuns();
  const count = new ResNet20().parameters().reduce((sum, { size }) => sum + size, 0);
  console.log(`ResNet-20, ${count} parameters, beside PyTorch ${torch}`);
  const apart = resnet20.float32.map((loss, i) => Math.abs(loss / (resnet20.float64[i] as number) - 1));
  console.log(
    `Rounding errors grow from step to step: PyTorch's own runs in float32 and in float64 come to differ by ` +
      `${Math.max(...apart).toExponential(1)}. So it is in float64 that ours must agree.`,
  );
  for (const dtype of ['float64', 'float32'] as const) {
    console.log(`\nin ${dtype}:`);
    await reportBeside(trainResNet20({ dtype }), { recorded: resnet20[dtype], every: 1 });
  }
});

import { assign, type CompiledFunction, compile, grad, nn, oneHot, type Tensor, tensor } from 'chainrule';
import { runAsProgram } from './lib/program.js';
import { table } from './lib/table.js';
import { SIDE, type ZipDigits, type ZipDigitsOptions, zipDigits } from './lib/zip-digits.js';
import { ZipNetwork } from './lib/zip-network.js';

const CLASSES = 10;

/** Each parameter changes by its gradient times `RATE / (DAMPING + its curvature)`. */
const RATE = 0.001;
const DAMPING = 0.1;

/** Number of digits that the curvature is measured on before each pass. */
const MEASURED = 500;

export interface ZipOptions extends ZipDigitsOptions {
  /** Number of passes through the training digits. Default 23, the paper's. */
  readonly passes?: number;
  /** Seed of the initial weights. Default 1. */
  readonly seed?: number;
}

/** Results on a set of digits after a pass. */
export interface ZipFigures {
  /** The mean squared difference between outputs and targets, over digits and outputs. */
  readonly meanSquaredError: number;
  /** Number of digits whose largest output is not that of their class. */
  readonly mistakes: number;
  /** Mistakes in percent. */
  readonly error: number;
}

export interface ZipPass {
  /** Number of the pass, from 1. */
  readonly pass: number;
  readonly train: ZipFigures;
  readonly test: ZipFigures;
}

/**
 * Learns to read digits as in Y. LeCun, B. Boser, J. Denker, D. Henderson, R. Howard, W. Hubbard & L. Jackel,
 * "Backpropagation applied to handwritten zip code recognition", Neural Computation 1 (1989). The network
 * (`lib/zip-network.ts`), targets of +1 and -1, initial weights within +-2.4 over the fan-in, the numbers of digits
 * and of passes, and a constant order with an update after each digit are the paper's. So is the kind of update,
 * Newton's with a positive, diagonal estimate of the Hessian. As the paper gives no details, the estimate is that of
 * LeCun's later papers ("Efficient BackProp", 1998): taken before each pass, on the first 500 digits. The digits are
 * MNIST's (`lib/zip-digits.ts`), not the paper's from envelopes.
 *
 * After 23 passes the paper reports 0.14 % of errors on its training digits and 5.0 % on its test digits.
 */
export async function* learnZipDigits(options: ZipOptions = {}): AsyncGenerator<ZipPass, void, undefined> {
  const { passes = 23, seed = 1 } = options;
  const { train, test } = await zipDigits(options);
  const model = new ZipNetwork().init(seed);
  const learner = compileLearner(model);
  try {
    for (let pass = 1; pass <= passes; pass++) {
      await learner.measure(digitsOf(train, 0, MEASURED));
      for (let i = 0; i < train.count; i++) {
        await learner.learn(digitsOf(train, i, 1), train.labels.subarray(i, i + 1));
      }
      yield { pass, train: await figuresOf(learner.test, train), test: await figuresOf(learner.test, test) };
    }
  } finally {
    for (const run of Object.values(learner)) run.release();
  }
}

function compileLearner(model: ZipNetwork) {
  const parameters = model.parameters();
  const rates = parameters.map(({ shape }) => new nn.Buffer(shape));
  return {
    /** Sets the rate of each parameter from its curvature on some digits. */
    measure: compile((images: Tensor) => {
      model.curvatures(images).forEach((curvature, i) => {
        assign(rates[i] as nn.Buffer, curvature.add(DAMPING).pow(-1).mul(RATE));
      });
      return undefined;
    }),
    /** Updates the parameters from one digit. */
    learn: compile((images: Tensor, labels: Tensor) => {
      const error = model.forward(images).sub(targetsOf(labels)).square().sum().div(2);
      grad(error, parameters).forEach((gradient, i) => {
        const parameter = parameters[i] as nn.Parameter;
        assign(parameter, parameter.sub(gradient.mul(rates[i] as nn.Buffer)));
      });
      return undefined;
    }),
    /** The mean squared error, and the number of mistakes. */
    test: compile((images: Tensor, labels: Tensor) => {
      const outputs = model.forward(images);
      const mistakes = outputs.argMax().ne(labels).to('float32').sum();
      return [outputs.sub(targetsOf(labels)).square().mean(), mistakes] as const;
    }),
  };
}

const targetsOf = (labels: Tensor): Tensor => oneHot(labels, CLASSES).mul(2).sub(1);

function digitsOf({ images, count }: ZipDigits, start: number, wanted: number): Tensor {
  const end = Math.min(count, start + wanted);
  const size = SIDE * SIDE;
  return tensor(images.subarray(start * size, end * size), { shape: [end - start, SIDE, SIDE, 1] });
}

async function figuresOf(
  test: CompiledFunction<[Tensor, Tensor], readonly [Tensor, Tensor]>,
  digits: ZipDigits,
): Promise<ZipFigures> {
  const [squared, wrong] = await test(digitsOf(digits, 0, digits.count), digits.labels);
  const mistakes = await wrong.item();
  return { meanSquaredError: await squared.item(), mistakes, error: (100 * mistakes) / digits.count };
}

await runAsProgram(import.meta.url, async () => {
  const model = new ZipNetwork();
  const parameters = model.parameters().reduce((sum, { size }) => sum + size, 0);
  const connections = model.layers.reduce((sum, layer) => sum + layer.connections, 0);
  console.log('The zip-code network of LeCun et al. 1989, on 16 x 16 digits made from MNIST');
  console.log(`${parameters} parameters (the paper: 9760), ${connections} connections (64660)\n`);
  const columns = ({ meanSquaredError, mistakes, error }: ZipFigures) => [
    meanSquaredError.toFixed(4),
    `${mistakes}`,
    `${error.toFixed(2)} %`,
  ];
  const rows = [['pass', 'train MSE', 'mistakes', 'error', 'test MSE', 'mistakes', 'error']];
  for await (const { pass, train, test } of learnZipDigits()) {
    rows.push([`${pass}`, ...columns(train), ...columns(test)]);
    if (process.stdout.isTTY) process.stdout.write(`\rpass ${pass} of 23`);
  }
  rows.push(['paper, 23', '0.0025', '10', '0.14 %', '0.0180', '102', '5.00 %']);
  console.log(`\r${table(rows)}`);
  console.log(
    '\nMSE: over digits and outputs, whose targets are +1 and -1; the paper does not state its scale',
  );
});

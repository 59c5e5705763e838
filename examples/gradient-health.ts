import { compile, formatHealth, grad, type HealthReport, inspect, nn, optim, tensor } from 'chainrule';
import { runAsProgram } from './lib/program.js';
import { table } from './lib/table.js';

const DEPTH = 50;
const WIDTH = 32;
const FEATURES = 8;
const CLASSES = 3;
const SAMPLES = 256;

/** Points in a cube; the class of a point is the largest of its first three coordinates. */
function points() {
  let state = 7;
  const inputs = Float32Array.from({ length: SAMPLES * FEATURES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const labels = Int32Array.from({ length: SAMPLES }, (_, i) => {
    const first = inputs.subarray(i * FEATURES, i * FEATURES + CLASSES);
    return first.indexOf(Math.max(...first));
  });
  return { x: tensor(inputs, { shape: [SAMPLES, FEATURES] }), y: tensor(labels) };
}

interface Design {
  readonly activation?: () => nn.Module;
  readonly init?: nn.init.Initialiser;
  /** Applied between a layer's product and its activation. */
  readonly normalisation?: () => nn.Module;
  readonly residual?: boolean;
}

/** A perceptron of 50 layers, with sigmoids between them unless the design says otherwise. */
function perceptron(design: Design): nn.Sequential {
  const {
    activation = () => new nn.Sigmoid(),
    init = nn.init.torchDefault,
    normalisation,
    residual,
  } = design;
  const hidden = (): nn.Module[] => {
    const linear = new nn.Linear(WIDTH, WIDTH, { init });
    if (residual) return [new nn.Residual(new nn.Sequential(activation(), linear))];
    return [linear, ...(normalisation ? [normalisation()] : []), activation()];
  };
  return new nn.Sequential(
    new nn.Linear(FEATURES, WIDTH, { init }),
    activation(),
    ...Array.from({ length: DEPTH - 2 }, hidden).flat(),
    new nn.Linear(WIDTH, CLASSES),
  ).init(1);
}

/**
 * Turns a sigmoid network into a tanh network: since sigmoid(h) = (1 + tanh(h / 2)) / 2, that takes weights four
 * times as large and biases that cancel the sigmoid's mean of one half. Sigmoids have no better start (Pennington,
 * Schoenholz & Ganguli 2017).
 */
function centred(model: nn.Sequential): nn.Sequential {
  const parameters = new Map(model.namedParameters());
  for (const [path, { shape, storage }] of parameters) {
    const bias = parameters.get(path.replace('weight', 'bias'))?.storage.data;
    if (!path.endsWith('weight') || shape[0] !== WIDTH || shape[1] !== WIDTH || !bias) continue;
    const weights = Array.from(storage.data);
    for (let i = 0; i < WIDTH; i++) {
      bias[i] = weights.slice(i * WIDTH, (i + 1) * WIDTH).reduce((sum, weight) => sum - weight / 2, 0);
    }
  }
  return model;
}

/** A network, an optimiser, and their flaw. */
export interface Variant {
  readonly name: string;
  model(): nn.Module;
  optimizer(): optim.Optimizer;
  /** Finding expected before training, if any. */
  readonly flaw: 'vanishing' | 'exploding' | null;
}

const adam = () => optim.adam({ lr: 1e-3 });
const momentum = { lr: 0.01, momentum: 0.9 };
const steep: Design = { activation: () => new nn.ReLU(), init: nn.init.normal(0, 0.31) };

export const variants: readonly Variant[] = [
  { name: 'sigmoid', model: () => perceptron({}), optimizer: adam, flaw: 'vanishing' },
  {
    name: 'sigmoid, weights of deviation 5',
    model: () => perceptron({ init: nn.init.normal(0, 5) }),
    optimizer: adam,
    flaw: 'exploding',
  },
  {
    name: 'repaired by init: 4 x orthogonal',
    model: () => centred(perceptron({ init: nn.init.orthogonal(4) })),
    optimizer: adam,
    flaw: null,
  },
  {
    name: 'repaired by batch normalisation',
    model: () => perceptron({ normalisation: () => new nn.BatchNorm1d(WIDTH) }),
    optimizer: adam,
    flaw: null,
  },
  {
    name: 'repaired by residual connections',
    model: () => perceptron({ residual: true }),
    optimizer: adam,
    flaw: null,
  },
  {
    name: 'repaired by activation: SELU',
    model: () => perceptron({ activation: () => new nn.SELU(), init: nn.init.lecunNormal }),
    optimizer: adam,
    flaw: null,
  },
  {
    name: 'ReLU, weights of deviation 0.31',
    model: () => perceptron(steep),
    optimizer: () => optim.sgd(momentum),
    flaw: 'exploding',
  },
  {
    name: 'repaired by clipping the norm to 1',
    model: () => perceptron(steep),
    optimizer: () => optim.sgd({ ...momentum, clipNorm: 1 }),
    flaw: 'exploding',
  },
];

/** Results of a variant. */
export interface Course {
  readonly report: HealthReport;
  /** Loss before each step, and after the last one. */
  readonly losses: readonly number[];
}

/** Inspects a variant on all samples, and trains it on them. */
export async function study({ model: create, optimizer: choose }: Variant, steps = 200): Promise<Course> {
  const { x, y } = points();
  const [model, optimizer] = [create(), choose()];
  const parameters = model.parameters();
  const report = await inspect(model, nn.crossEntropy, x, y, { optimizer });
  const step = compile(() => {
    const loss = nn.crossEntropy(model.forward(x), y);
    optimizer.step(parameters, grad(loss, parameters));
    return loss;
  });
  const losses: number[] = [];
  for (let i = 0; i <= steps; i++) losses.push(await (await step()).item());
  step.release();
  return { report, losses };
}

await runAsProgram(import.meta.url, async () => {
  console.log(
    `A perceptron of ${DEPTH} layers of ${WIDTH}, on ${SAMPLES} points of ${CLASSES} classes.\n` +
      'Gradient: its norm at the first layer over that at the last, before training. ' +
      'Losses: before the first step, and later.\n',
  );
  const rows = [['network', 'gradient', 'found', 'loss', 'step 50', 'step 100', 'step 200']];
  const messages: string[] = [];
  for (const variant of variants) {
    const { report, losses } = await study(variant);
    const found = report.findings.map(({ kind }) => kind).join(', ');
    const gradient = report.layers[0]?.gradientRatio?.toExponential(0) ?? '';
    const shown = [0, 50, 100, 200].map((at) => (losses[at] as number).toPrecision(3));
    rows.push([variant.name, gradient, found, ...shown]);
    const [first] = report.findings.filter(({ kind }) => kind === variant.flaw);
    if (first && messages.length < 2) messages.push(`${variant.name}:\n  ${first.message}`);
  }
  console.log(`${table(rows)}\n\n${messages.join('\n\n')}`);
  const { x, y } = points();
  const small = new nn.Sequential(
    new nn.Linear(FEATURES, 16),
    new nn.ReLU(),
    new nn.Linear(16, CLASSES),
  ).init(1);
  const report = await inspect(small, nn.crossEntropy, x, y, { optimizer: adam() });
  console.log(`\nThe whole report on a healthy network of two layers:\n\n${formatHealth(report)}`);
});

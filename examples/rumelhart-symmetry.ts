import { compile, grad, nn, optim, type Tensor, tensor } from 'chainrule';
import { runAsProgram } from './lib/program.js';
import { table } from './lib/table.js';

const INPUTS = 6;
const HALF = INPUTS / 2;

/** `count` networks of 6-2-1 logistic units side by side, each with its own initial weights. */
class SymmetryDetectors extends nn.Module {
  readonly hidden: nn.Parameter;
  readonly hiddenBias: nn.Parameter;
  readonly output: nn.Parameter;
  readonly outputBias: nn.Parameter;

  constructor(count: number) {
    super();
    const init = nn.init.uniform(-0.3, 0.3);
    this.hidden = new nn.Parameter([count, 2, INPUTS], { init });
    this.hiddenBias = new nn.Parameter([count, 1, 2], { init });
    this.output = new nn.Parameter([count, 1, 2], { init });
    this.outputBias = new nn.Parameter([count, 1, 1], { init });
  }

  /** [64, 6] -> [count, 64, 1] */
  forward(x: Tensor): Tensor {
    const hidden = x.matmul(this.hidden, { transposeB: true }).add(this.hiddenBias).sigmoid();
    return hidden.matmul(this.output, { transposeB: true }).add(this.outputBias).sigmoid();
  }
}

/** Results of one network. */
export interface SymmetryNetwork {
  /** Number of sweeps until all 64 patterns were right; null if they never were. */
  readonly sweeps: number | null;
  /** The weights from the six inputs to each of the two hidden units, after the last sweep. */
  readonly weights: readonly [readonly number[], readonly number[]];
  readonly hiddenBias: readonly number[];
  readonly output: readonly number[];
  readonly outputBias: number;
  readonly pattern: SymmetryPattern;
}

/** Distance of two hidden units from the paper's pattern, as shares of the largest weight: 0 is the pattern itself. */
export interface SymmetryPattern {
  /** Largest sum of two weights that mirror each other, which should be opposite. */
  readonly mirror: number;
  /** Largest sum of the two units' weights from the same input, which should also be opposite. */
  readonly units: number;
  /**
   * Magnitudes of one half in rising order over the smallest, averaged over both halves of both units; the paper: 1,
   * 2, 4.
   */
  readonly ratio: readonly [number, number, number];
}

export interface SymmetryOptions {
  /** Number of networks, each with its own initial weights. Default 20. */
  readonly networks?: number;
  /** Number of sweeps through the 64 patterns. Default 5,000. */
  readonly sweeps?: number;
  /** Seed of the initial weights. Default 0. */
  readonly seed?: number;
}

/**
 * Learns to recognise vectors of six bits that are their own mirror image, with two hidden units: figure 1 of
 * Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323 (1986). The
 * settings are the paper's: the gradient of half the squared error, summed over all 64 patterns before each change of
 * the weights, with epsilon = 0.1 and alpha = 0.9, from weights uniform in +-0.3. A pattern is right if the output is
 * on its side of one half.
 */
export async function learnSymmetry(options: SymmetryOptions = {}): Promise<SymmetryNetwork[]> {
  const { networks = 20, sweeps = 5000, seed = 0 } = options;
  const patterns = Array.from({ length: 2 ** INPUTS }, (_, n) =>
    Array.from({ length: INPUTS }, (_, bit) => (n >> bit) & 1),
  );
  const inputs = tensor(patterns);
  const targets = tensor(patterns.map((bits) => [Number(bits.every((bit, i) => bit === bits.at(-1 - i)))]));

  const model = new SymmetryDetectors(networks).init(seed);
  const parameters = model.parameters();
  const optimizer = optim.sgd({ lr: 0.1, momentum: 0.9 });
  const sweep = compile(() => {
    const output = model.forward(inputs);
    const error = output.sub(targets).square().sum().div(2);
    optimizer.step(parameters, grad(error, parameters));
    return output.gt(0.5).eq(targets.gt(0.5)).to('float32').sum([1, 2]);
  });
  const learned = new Array<number | null>(networks).fill(null);
  for (let done = 0; done <= sweeps; done++) {
    const right = await (await sweep()).data();
    right.forEach((count, i) => {
      if (count === patterns.length) learned[i] ??= done;
      else learned[i] = null;
    });
  }
  sweep.release();
  return learned.map((when, i) => describeNetwork(model, i, when));
}

function describeNetwork(model: SymmetryDetectors, index: number, sweeps: number | null): SymmetryNetwork {
  const part = ({ storage, size, shape }: nn.Parameter): number[] => {
    const length = size / (shape[0] as number);
    return Array.from(storage.data.slice(index * length, (index + 1) * length));
  };
  const hidden = part(model.hidden);
  const weights = [hidden.slice(0, INPUTS), hidden.slice(INPUTS)] as const;
  const [outputBias = 0] = part(model.outputBias);
  return {
    sweeps,
    weights,
    hiddenBias: part(model.hiddenBias),
    output: part(model.output),
    outputBias,
    pattern: describePattern(weights),
  };
}

/** Compares the weights of two hidden units with the paper's. */
export function describePattern([a, b]: readonly [readonly number[], readonly number[]]): SymmetryPattern {
  const largest = Math.max(...[...a, ...b].map(Math.abs));
  const worst = (sums: readonly number[]) => Math.max(...sums.map(Math.abs)) / largest;
  const mirrored = (unit: readonly number[]) => unit.map((weight, i) => weight + (unit.at(-1 - i) as number));
  const halves = [a, b].flatMap((unit) => [unit.slice(0, HALF), unit.slice(HALF)]);
  const ratios = halves.map((half) => {
    const sizes = half.map(Math.abs).sort((x, y) => x - y);
    return sizes.map((size) => size / (sizes[0] as number));
  });
  const mean = (i: number) => ratios.reduce((sum, ratio) => sum + (ratio[i] as number), 0) / ratios.length;
  return {
    mirror: worst([...mirrored(a), ...mirrored(b)]),
    units: worst(a.map((weight, i) => weight + (b[i] as number))),
    ratio: [mean(0), mean(1), mean(2)],
  };
}

/** The report: a line for each network, and the weights of the first one with the paper's ratio. */
function report(networks: readonly SymmetryNetwork[]): string {
  const learned = networks.filter(({ sweeps }) => sweeps !== null);
  const sweeps = learned.map((network) => network.sweeps as number).sort((a, b) => a - b);
  const range = `in ${sweeps[0]} to ${sweeps.at(-1)} sweeps, median ${sweeps[sweeps.length >> 1]}`;
  const mirrored = learned.filter(({ pattern: { mirror, units } }) => mirror < 0.01 && units < 0.05);
  const opposite = `${mirrored.length} of these ${learned.length} have mirrored weights of opposite sign`;
  const near = (ratio: number, paper: number) => Math.abs(ratio - paper) < 0.1;
  const alike = mirrored.filter(({ pattern: { ratio } }) => near(ratio[1], 2) && near(ratio[2], 4));
  const rows = networks.map((network, i) => {
    const { mirror, units, ratio } = network.pattern;
    const figures = [mirror.toFixed(4), units.toFixed(4), ratio.map((part) => part.toFixed(2)).join(' : ')];
    return [
      `${i + 1}`,
      ...(network.sweeps === null ? ['not learned', '', '', ''] : [`${network.sweeps}`, ...figures]),
    ];
  });
  return `Symmetry of six bits with two hidden units (Rumelhart, Hinton & Williams 1986, figure 1)

${table([['network', 'sweeps', 'mirror error', 'units error', 'ratio'], ...rows])}

mirror error: the largest sum of two weights that mirror each other, over the largest weight (the paper: 0)
units error: the same of the two hidden units' weights from one input (the paper: 0)
ratio: the three magnitudes on one side of the middle (the paper: 1 : 2 : 4)

${learned.length} of ${networks.length} networks learned all 64 patterns, ${range}; the paper: 1425
${opposite}, ${alike.length} in the ratio 1 : 2 : 4
${alike[0] ? `\nnetwork ${networks.indexOf(alike[0]) + 1}:\n${weightsOf(alike[0])}` : ''}`;
}

function weightsOf({ weights, hiddenBias, output, outputBias }: SymmetryNetwork): string {
  const units = weights.map((unit, i) => {
    const [bias = 0, out = 0] = [hiddenBias[i], output[i]];
    const line = unit.map((weight) => weight.toFixed(2).padStart(7)).join('');
    return `  hidden unit ${i + 1}:${line}   bias ${bias.toFixed(2)}, to the output ${out.toFixed(2)}`;
  });
  return `${units.join('\n')}\n  bias of the output: ${outputBias.toFixed(2)}`;
}

await runAsProgram(import.meta.url, async () => console.log(report(await learnSymmetry())));

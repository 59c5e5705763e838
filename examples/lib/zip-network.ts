import { concat, grad, nn, pad, stopGradient, type Tensor, zeros } from 'chainrule';

const AMPLITUDE = 1.7159;
const STEEPNESS = 2 / 3;

/** The state of a unit for its total input: `1.7159 tanh(2/3 a)`, which is 1 at 1 and -1 at -1. */
const squash = (total: Tensor): Tensor => total.mul(STEEPNESS).tanh().mul(AMPLITUDE);

/** The slope of `squash` where its value is `state`. */
const slopeAt = (state: Tensor): Tensor => state.square().div(-AMPLITUDE).add(AMPLITUDE).mul(STEEPNESS);

/** Total inputs of a layer without its biases: linear in the states of the layer below, and in the weights. */
type Totals = (states: Tensor, weight: Tensor, background: number) => Tensor;

/** 5 x 5 neighbourhoods, two units apart, of maps [N, 2H, 2W, C] padded with the background. */
function neighbourhoods(maps: Tensor, kernels: Tensor, background: number): Tensor {
  const widths = [
    [0, 0],
    [2, 1],
    [2, 1],
    [0, 0],
  ] as const;
  return pad(maps, widths, background).conv2d(kernels, { stride: 2 });
}

/** The maps of H1 that each third of the maps of H2 sees: 8 of the 12. */
const VIEWS = [
  [[0, 8]],
  [[4, 12]],
  [
    [0, 4],
    [8, 12],
  ],
] as const;

const partialTotals: Totals = (maps, kernels, background) => {
  const thirds = VIEWS.map((ranges, i) => {
    const seen = ranges.map((range) => maps.slice([[], [], [], range]));
    return neighbourhoods(concat(seen, 3), kernels.slice([[], [], [], [4 * i, 4 * i + 4]]), background);
  });
  return concat(thirds, 3);
};

const denseTotals: Totals = (states, weight) => states.flatten(1).matmul(weight, { transposeB: true });

/** Units that squash their totals. Each has its own bias, even where weights are shared. */
class Layer extends nn.Module {
  readonly weight: nn.Parameter;
  readonly bias: nn.Parameter;

  /** @param fanIn number of inputs of one unit, including its bias */
  constructor(
    readonly totals: Totals,
    weights: readonly number[],
    units: readonly number[],
    readonly fanIn: number,
  ) {
    super();
    const init = nn.init.uniform(-2.4 / fanIn, 2.4 / fanIn);
    this.weight = new nn.Parameter(weights, { init });
    this.bias = new nn.Parameter(units, { init });
  }

  get connections(): number {
    return this.bias.size * this.fanIn;
  }

  forward(states: Tensor): Tensor {
    return squash(this.totals(states, this.weight, -1).add(this.bias));
  }
}

/**
 * The network of LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural Computation 1
 * (1989): H1 has 12 maps of 8 x 8 units, H2 has 12 of 4 x 4, each connected to 8 maps of H1, H3 has 30 units, and
 * there are 10 outputs. The paper does not say which 8; here maps 0 to 3 of H2 see maps 0 to 7, maps 4 to 7 see 4 to
 * 11, and maps 8 to 11 see 0 to 3 and 8 to 11, as in A. Karpathy's reproduction of 2022.
 */
export class ZipNetwork extends nn.Module {
  readonly h1 = new Layer(neighbourhoods, [5, 5, 1, 12], [8, 8, 12], 5 * 5 + 1);
  readonly h2 = new Layer(partialTotals, [5, 5, 8, 12], [4, 4, 12], 5 * 5 * 8 + 1);
  readonly h3 = new Layer(denseTotals, [30, 4 * 4 * 12], [30], 4 * 4 * 12 + 1);
  readonly output = new Layer(denseTotals, [10, 30], [10], 30 + 1);

  get layers(): readonly Layer[] {
    return [this.h1, this.h2, this.h3, this.output];
  }

  /** [N, 16, 16, 1] from -1 to 1 -> [N, 10] */
  forward(images: Tensor): Tensor {
    return this.layers.reduce((states, layer) => layer.forward(states), images);
  }

  /**
   * The diagonal of the Hessian of half the squared error, one tensor for each of `parameters()`, as a mean over the
   * images: the positive estimate of Y. LeCun, "Modeles connexionnistes de l'apprentissage" (1987), and of S. Becker
   * & Y. LeCun (1988), without the second derivative of `squash`. It is backpropagated like the gradient, but with
   * squared weights, slopes and states, and so computed as the gradient of a network whose weights are the squares.
   */
  curvatures(images: Tensor): Tensor[] {
    let states = images;
    let squares = images.square();
    const leaves: Tensor[] = [];
    for (const { totals, weight, bias } of this.layers) {
      const weights = weight.square();
      const biases = zeros(bias.shape);
      leaves.push(weights, biases);
      states = squash(totals(states, weight, -1).add(bias));
      const total = totals(squares, weights, 1).add(biases);
      // Its value is the square of the states; its slope is the square of the slope.
      const change = total.sub(stopGradient(total)).mul(stopGradient(slopeAt(states).square()));
      squares = stopGradient(states.square()).add(change);
    }
    return grad(squares.sum().div(images.shape[0] as number), leaves);
  }
}

import * as cr from 'chainrule';
import { io, nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';

// Reasons that the recordings of PyTorch do not need. The original is a function of the input and of the port, whose weights
// it has.

const image = [2, 7, 6, 4];
const sequence = [3, 6, 4];
const vectors = [3, 6, 8];

interface Case {
  readonly port: nn.Module;
  readonly original: (x: Tensor) => Tensor;
  readonly shape: readonly number[];
  readonly reason: RegExp;
  /** The layer that is recorded. */
  readonly path: string;
  /** Indices below this are the input, in place of floats. */
  readonly below?: number;
}

/** A case of a single layer, which is the model. */
function of<L extends nn.Module>(
  port: L,
  shape: readonly number[],
  original: (x: Tensor, port: L) => Tensor,
  reason: RegExp,
  below?: number,
): Case {
  port.init(1);
  return {
    port,
    shape,
    original: (x) => original(x, port),
    reason,
    path: 'output',
    ...(below === undefined ? {} : { below }),
  };
}

/** A model whose layer `fc` has functions around it. */
class Between extends nn.Module {
  readonly norm = new nn.LayerNorm(4);
  readonly fc = new nn.Linear(4, 4);
  constructor(
    private readonly before: (x: Tensor) => Tensor,
    private readonly after: (x: Tensor) => Tensor = (x) => x,
  ) {
    super();
    this.init(1);
  }
  forward(x: Tensor): Tensor {
    return this.after(this.fc.forward(this.before(x)));
  }
}

/** A case of functions around a layer: of the port's, and of the original's. */
function around(
  port: Between,
  original: (x: Tensor, fc: (x: Tensor) => Tensor, port: Between) => Tensor,
  reason: RegExp,
  path = 'fc',
): Case {
  return {
    port,
    shape: sequence,
    original: (x) => original(x, (y) => port.fc.forward(y), port),
    reason,
    path,
  };
}

const same = (x: Tensor) => x;
const affine = (x: Tensor, { weight, bias }: { weight: Tensor | null; bias: Tensor | null }) =>
  x.mul(weight as Tensor).add(bias as Tensor);

/** Batch normalisation that has seen batches. */
function trained(): nn.BatchNorm2d {
  const layer = new nn.BatchNorm2d(4);
  layer.running_mean?.storage.data.set([0.1, 0.2, -0.1, 0]);
  layer.running_var?.storage.data.set([2, 3, 0.5, 0.7]);
  return layer;
}

/** Attention with some of the weights of another one. */
function attention(port: nn.MultiheadAttention, count: number, parts: object = {}): nn.MultiheadAttention {
  const { in_proj_weight, in_proj_bias, out_proj } = port;
  return Object.assign(new nn.MultiheadAttention(8, count), {
    in_proj_weight,
    in_proj_bias,
    out_proj,
    ...parts,
  });
}

const thirds = (w: Tensor) => [0, 1, 2].map((i) => w.slice([[i * 8, i * 8 + 8]])) as [Tensor, Tensor, Tensor];

/** A GRU with other values of its weights. */
function gru(port: nn.GRU, parts: object): nn.GRU {
  return Object.assign(new nn.GRU(4, 3), Object.fromEntries(port.namedParameters()), parts);
}

const cases: Record<string, Case> = {
  'no activation': of(new nn.ReLU(), image, same, /no activation/),
  'hard swish': of(new nn.SiLU(), image, (x) => nn.hardSwish(x), /hard swish/),
  'softmax on axis 1': of(new nn.Softmax(), sequence, (x) => nn.softmax(x, 1), /softmax on axis 1/),
  'embeddings times the root of their features': of(
    new nn.Embedding(9, 4),
    [3, 5],
    (x, layer) => layer.forward(x).mul(2),
    /by the root of its features/,
    9,
  ),
  'zeros for the padding': of(
    new nn.Embedding(9, 4),
    [3, 5],
    (x, layer) => cr.where(cr.eq(x, 0).unsqueeze(-1), 0, layer.forward(x)),
    /zeros for index 0/,
    9,
  ),
  'rows one further': of(
    new nn.Embedding(9, 4),
    [3, 5],
    (x, layer) => layer.forward(x.add(1)),
    /index after each one/,
    8,
  ),
  'a flipped kernel': of(
    new nn.Conv1d(4, 4, 3, { bias: false }),
    sequence,
    (x, { weight }) => cr.conv1d(x, weight.flip([0])),
    /kernel is flipped/,
  ),
  'a kernel in the order of PyTorch': of(
    new nn.Conv1d(4, 4, 4, { bias: false }),
    sequence,
    (x, { weight }) => cr.conv1d(x, weight.reshape([4, 4, 4]).permute([2, 1, 0])),
    /in the order of PyTorch/,
  ),
  'a convolution without a bias': of(
    new nn.Conv2d(4, 4, 3),
    image,
    (x, { weight }) => cr.conv2d(x, weight),
    /no bias/,
  ),
  'padding on one side': of(
    new nn.Conv2d(4, 4, 2, { padding: 'same', bias: false }),
    image,
    (x, { weight }) =>
      cr.conv2d(
        cr.pad(x, [
          [0, 0],
          [1, 0],
          [1, 0],
          [0, 0],
        ]),
        weight,
      ),
    /padding of 1 before and 0 after/,
  ),
  'another stride': of(
    new nn.Conv2d(4, 4, 3, { bias: false }),
    image,
    (x, { weight }) => cr.conv2d(x, weight, { stride: 2 }),
    /stride 2/,
  ),
  'a transposed convolution that crops': of(
    new nn.ConvTranspose2d(4, 3, 3, { stride: 2, bias: false }),
    image,
    (x, { weight }) => cr.convTranspose2d(x, weight, { stride: 2, padding: 1, outputPadding: 1 }),
    /padding 1 and output padding 1/,
  ),
  'new running statistics': of(
    trained(),
    image,
    (x, layer) => affine(cr.div(x, Math.sqrt(1 + 1e-5)), layer),
    /running statistics of a new layer/,
  ),
  'a running deviation': of(
    trained(),
    image,
    (x, layer) => {
      const [mean, deviation] = [layer.running_mean as Tensor, layer.running_var as Tensor];
      return nn.batchNorm(x, { mean, variance: deviation.mul(deviation) });
    },
    /running variance is a standard deviation/,
  ),
  'other axes': of(new nn.LayerNorm(4), image, (x) => nn.layerNorm(x, [6, 4]), /over the axes 2, 3/),
  'RMS normalisation': of(new nn.LayerNorm(4), sequence, (x) => nn.rmsNorm(x, 4, { eps: 1e-5 }), /RMS/),
  'the unbiased deviation': of(
    new nn.LayerNorm(4),
    sequence,
    (x) => {
      const centred = x.sub(x.mean(-1, { keepDims: true }));
      return centred.div(centred.square().sum(-1, { keepDims: true }).div(3).sqrt());
    },
    /unbiased standard deviation/,
  ),
  'layer normalisation': of(
    new nn.RMSNorm(4, { eps: 1e-5 }),
    sequence,
    (x) => nn.layerNorm(x, 4),
    /has layer normalisation/,
  ),
  'a weight around 0': of(
    new nn.RMSNorm(4, { eps: 1e-5 }),
    sequence,
    (x) => nn.rmsNorm(x, 4, { eps: 1e-5, weight: tensor([2, 2, 2, 2]) }),
    /added to 1/,
  ),
  'instances for groups': of(new nn.GroupNorm(2, 4), image, (x) => nn.instanceNorm(x), /4 groups, here 2/),
  'means of windows': of(new nn.MaxPool2d(2), image, (x) => nn.avgPool2d(x, 2), /the mean of each window/),
  'another window': of(new nn.MaxPool2d(2), image, (x) => nn.maxPool2d(x, 3), /a window of 3/),
  'maxima of adaptive windows': of(
    new nn.AdaptiveAvgPool2d(2),
    image,
    (x) => nn.adaptiveMaxPool2d(x, 2),
    /the largest value of each window/,
  ),
  'another interpolation': of(
    new nn.Upsample({ scale: 2, mode: 'bilinear' }),
    image,
    (x) => nn.upsample(x, { scale: 2, mode: 'bicubic' }),
    /'bicubic' with alignCorners: false/,
  ),
  'ReLU in a recurrent network': of(
    new nn.RNN(4, 3),
    sequence,
    (x, port) =>
      Object.assign(
        new nn.RNN(4, 3, { nonlinearity: 'relu' }),
        Object.fromEntries(port.namedParameters()),
      ).forward(x),
    /nonlinearity 'relu'/,
  ),
  'one bias of two': of(
    new nn.GRU(4, 3),
    sequence,
    (x, port) => gru(port, { bias_hh_l0: cr.zeros([9]) }).forward(x),
    /no bias_hh/,
  ),
  'sequences from their ends': of(
    new nn.GRU(4, 3),
    sequence,
    (x, port) => port.forward(x.flip([1])).flip([1]),
    /from their ends/,
  ),
  'samples in place of time': of(
    new nn.GRU(4, 3),
    [6, 6, 4],
    (x, port) => port.forward(x.transpose(0, 1)).transpose(0, 1),
    /time in front of the samples/,
  ),
  'directions in the other order': of(
    new nn.LSTM(4, 3, { bidirectional: true }),
    sequence,
    (x, port) => {
      const both = port.forward(x);
      return cr.concat([both.slice([[], [], [3, 6]]), both.slice([[], [], [0, 3]])], 2);
    },
    /two directions in the other order/,
  ),
  'other heads': of(
    new nn.MultiheadAttention(8, 2),
    vectors,
    (x, port) => attention(port, 4).forward(x),
    /4 heads, here 2/,
  ),
  'scores as they are': of(
    new nn.MultiheadAttention(8, 2),
    vectors,
    (x, port) => {
      const [q, k, v] = thirds(port.in_proj_weight as Tensor);
      return attention(port, 2, { in_proj_weight: cr.concat([q.mul(2), k, v]) }).forward(x);
    },
    /the scale 1$/,
  ),
  'projections head by head': of(
    new nn.MultiheadAttention(8, 2),
    vectors,
    (x, port) => {
      const weight = (port.in_proj_weight as Tensor).reshape([2, 3, 4, 8]).permute([1, 0, 2, 3]);
      return attention(port, 2, { in_proj_weight: weight.reshape([24, 8]) }).forward(x);
    },
    /side by side in each head/,
  ),
  'no mask': of(
    new nn.MultiheadAttention(8, 2, { causal: true }),
    vectors,
    (x, port) => port.attend(x, x, x, { causal: false }),
    /no mask/,
  ),
  'a flatten with the channels first': of(
    new nn.Flatten(),
    image,
    (x) => x.permute([0, 3, 1, 2]).flatten(1),
    /has the channels first/,
  ),
  'no activation before a layer': around(new Between(nn.relu), (x, fc) => fc(x), /no relu before it/),
  'another layer before it': around(
    new Between(same),
    (x, fc, { norm }) => fc(norm.forward(x)),
    /the original has norm before it/,
  ),
  'a residual layer before it': around(
    new Between(same),
    (x, fc, { norm }) => fc(x.add(norm.forward(x))),
    /x \+ norm\(x\) before it/,
  ),
  'an input that is divided': around(new Between(same), (x, fc) => fc(x.div(255)), /divided by 255/),
  'an input between -1 and 1': around(new Between(same), (x, fc) => fc(x.mul(2).sub(1)), /to \[-1, 1\]/),
  'one step less at the end': around(
    new Between(same, cr.exp),
    (x, fc) => fc(x),
    /one step more, exp/,
    'output',
  ),
  'another activation at the end': around(
    new Between(same, nn.relu),
    (x, fc) => nn.silu(fc(x)),
    /SiLU at its end, in place of/,
    'output',
  ),
  'no residual connection': around(
    new Between(same, (x) => x),
    (x, fc) => fc(x).sub(x),
    /no residual connection/,
    'output',
  ),
  'a bias': around(new Between(same), (x, fc) => fc(x).add(tensor([1, 2, 3, 4])), /is a bias missing/),
  'an affine map': around(
    new Between(same),
    (x, fc) =>
      fc(x)
        .mul(tensor([1, 2, 3, 4]))
        .add(tensor([1, 2, 3, 5])),
    /is an affine map missing/,
  ),
};

const numbers = (count: number, below?: number) =>
  Float32Array.from({ length: count }, (_, i) => {
    const value = Math.sin(12.9898 * (i + 1)) * 43758.5453;
    const share = value - Math.floor(value);
    return below === undefined ? 4 * share - 2 : Math.floor(share * below);
  });

describe('compare finds the reason', () => {
  it.each(Object.entries(cases))('%s', async (_, { port, original, shape, reason, path, below }) => {
    const values = numbers(
      shape.reduce((a, b) => a * b),
      below,
    );
    const x = tensor(below === undefined ? values : Int32Array.from(values), { shape });
    port.eval();
    const output = original(x);
    const recorded = (value: Tensor, data: ArrayLike<number>) =>
      ({ dtype: value.dtype, shape: value.shape, data }) as FileTensor;
    const found = await io.compare(
      port,
      { input: recorded(x, await x.data()), [path]: recorded(output, await output.data()) },
      { layout: 'chainrule' },
    );
    expect(found.first?.reason).toMatch(reason);
  });
});

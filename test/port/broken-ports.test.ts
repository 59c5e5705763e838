import { concat, io, nn, relu } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { ConvNet, Perceptron, Recurrent, ResetFirst, Transformer, UNet } from './models.js';
import {
  activationsInPlace,
  activationsOf,
  having,
  type ModelName,
  swapped,
  trainingActivations,
  weightsOf,
} from './recordings.js';

const originals: Record<Exclude<ModelName, 'reset_first'>, () => nn.Module> = {
  convolutional: () => new ConvNet(),
  perceptron: () => new Perceptron(),
  recurrent: () => new Recurrent(),
  transformer: () => new Transformer(),
  unet: () => new UNet(),
};

describe('compare finds no departure', () => {
  it.each(Object.entries(originals))('in a faithful port: %s', async (name, create) => {
    const activations = activationsOf(name as ModelName);
    const found = await io.compare(create(), activations, { weights: weightsOf(name as ModelName) });
    expect(found.layers.filter(({ departs }) => departs)).toEqual([]);
    expect(found).not.toHaveProperty('first');
    expect(found.missing).toEqual([]);
    expect(found.uncalled).toEqual([]);
    expect(found.layers.map(({ path }) => path).sort()).toEqual(
      Object.keys(activations)
        .filter((path) => path !== 'input')
        .sort(),
    );
    expect(Math.max(...found.layers.map(({ relative }) => relative))).toBeLessThan(5e-6);
  });
});

type State = ReturnType<typeof weightsOf>;
interface Broken {
  readonly model: () => nn.Module;
  readonly of: ModelName;
  /** The layer that is broken, or the first one behind a fault in code that is no layer. */
  readonly layer: string;
  readonly reason: RegExp;
  /** Weights that were converted wrong. */
  readonly weights?: (weights: State) => State;
  readonly activations?: () => State;
}

/** Rows of LSTM or GRU weights in another order of the gates. */
function gatesInOrder(weights: State, prefix: string, order: readonly number[]): State {
  const entries = Object.entries(weights).map(([name, tensor]) => {
    if (!name.startsWith(prefix)) return [name, tensor] as const;
    const data = tensor.data as Float32Array;
    const size = data.length / order.length;
    const parts = order.flatMap((gate) => [...data.subarray(gate * size, (gate + 1) * size)]);
    return [name, { ...tensor, data: Float32Array.from(parts) }] as const;
  });
  return Object.fromEntries(entries) as State;
}

const conv = (parts: Partial<ConvNet>) => () => having(new ConvNet(), parts);
const mlp = (parts: Partial<Perceptron>) => () => having(new Perceptron(), parts);
const unet = (parts: Partial<UNet>) => () => having(new UNet(), parts);

const broken: Record<string, Broken> = {
  'zeros in place of reflected padding': {
    of: 'convolutional',
    model: conv({ conv1: new nn.Conv2d(3, 6, 3, { padding: 1 }) }),
    layer: 'conv1',
    reason: /padding of mode 'reflect'/,
  },
  "padding 'same' of a strided convolution, whose odd element is at the end": {
    of: 'convolutional',
    model: conv({ conv2: new nn.Conv2d(6, 6, 3, { stride: 2, padding: 'same' }) }),
    layer: 'conv2',
    reason: /padding 1$/,
  },
  'a kernel with height and width swapped': {
    of: 'convolutional',
    model: conv({}),
    weights: (all) => ({ ...all, 'conv1.weight': swapped(all['conv1.weight'] as FileTensor, 2, 3) }),
    layer: 'conv1',
    reason: /height and width swapped/,
  },
  'a kernel with its channels swapped': {
    of: 'convolutional',
    model: conv({}),
    weights: (all) => ({ ...all, 'conv2.weight': swapped(all['conv2.weight'] as FileTensor, 0, 1) }),
    layer: 'conv2',
    reason: /input and output channels swapped/,
  },
  'another epsilon of batch normalisation': {
    of: 'convolutional',
    model: conv({ bn1: new nn.BatchNorm2d(6) }),
    layer: 'bn1',
    reason: /eps 0.001, here 0.00001/,
  },
  'a recording in training': {
    of: 'convolutional',
    model: conv({}),
    activations: trainingActivations,
    layer: 'bn1',
    reason: /in training, by the statistics of the batch/,
  },
  'dropout that was on': {
    of: 'convolutional',
    model: conv({}),
    activations: () => ({ ...activationsOf('convolutional'), drop: droppedOut() }),
    layer: 'drop',
    reason: /in training, with dropout of 0.3/,
  },
  'another slope': {
    of: 'convolutional',
    model: conv({ act1: new nn.LeakyReLU() }),
    layer: 'act1',
    reason: /leaky ReLU of slope 0.2/,
  },
  'pooling that does not count the padding': {
    of: 'convolutional',
    model: conv({ pool: new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }) }),
    layer: 'pool',
    reason: /countIncludePad: true/,
  },
  'other groups': {
    of: 'convolutional',
    model: conv({ norm: new nn.GroupNorm(2, 6) }),
    layer: 'norm',
    reason: /3 groups, here 2/,
  },
  'GELU by the error function': {
    of: 'convolutional',
    model: conv({ act2: new nn.GELU() }),
    layer: 'act2',
    reason: /GELU with approximate: 'tanh'/,
  },
  'a flatten with the channels last': {
    of: 'convolutional',
    model: conv({ flatten: new nn.Flatten() }),
    layer: 'fc',
    reason: /flattens its input with the channels first/,
  },
  'softmax in place of its logarithm': {
    of: 'convolutional',
    model: conv({ probabilities: new nn.Softmax() }),
    layer: 'probabilities',
    reason: /log-softmax on axis 1/,
  },
  'an image with BGR': {
    of: 'convolutional',
    model: conv({}),
    activations: () => ({ ...activationsOf('convolutional'), input: inBGR() }),
    layer: 'conv1',
    reason: /BGR/,
  },
  'a transposed weight': {
    of: 'perceptron',
    model: mlp({}),
    weights: (all) => ({ ...all, 'fc1.weight': swapped(all['fc1.weight'] as FileTensor, 0, 1) }),
    layer: 'fc1',
    reason: /weight is transposed/,
  },
  'a missing bias': {
    of: 'perceptron',
    model: mlp({ fc2: new nn.Linear(8, 8, { bias: false }) }),
    layer: 'fc2',
    reason: /is a bias missing/,
  },
  'another epsilon of layer normalisation': {
    of: 'perceptron',
    model: mlp({ norm: new nn.LayerNorm(8, { eps: 1e-6 }) }),
    layer: 'norm',
    reason: /eps 0.001, here 0.000001/,
  },
  'ReLU in place of GELU, as a function': {
    of: 'perceptron',
    model: mlp({ activation: relu }),
    layer: 'fc2',
    reason: /GELU before it, in place of/,
  },
  'no activation': {
    of: 'perceptron',
    model: mlp({ activation: (x) => x }),
    layer: 'fc2',
    reason: /GELU before it, which is missing/,
  },
  'a missing residual connection': {
    of: 'perceptron',
    model: () => new Perceptron(false),
    layer: 'block',
    reason: /adds its input to its output/,
  },
  'gates of an LSTM in the order of others': {
    of: 'recurrent',
    model: () => new Recurrent(),
    weights: (all) => gatesInOrder(all, 'lstm.', [0, 1, 3, 2]),
    layer: 'lstm',
    reason: /in the order input, forget, output, cell/,
  },
  'gates of a GRU in the order of others': {
    of: 'recurrent',
    model: () => new Recurrent(),
    weights: (all) => gatesInOrder(all, 'gru.', [1, 0, 2]),
    layer: 'gru',
    reason: /in the order update, reset, new/,
  },
  'embeddings that are not scaled': {
    of: 'recurrent',
    model: () => having(new Recurrent(), { scale: 1 }),
    layer: 'lstm',
    reason: /multiplies its input by the root of its features/,
  },
  'the other reset gate': {
    of: 'reset_first',
    model: () => new ResetFirst(),
    layer: 'gru',
    reason: /reset gate before the product/,
  },
  'attention without a mask': {
    of: 'transformer',
    model: () => new Transformer({ causal: false }),
    layer: 'encoder.self_attn',
    reason: /a causal mask/,
  },
  'projections in another order': {
    of: 'transformer',
    model: () => new Transformer(),
    weights: (all) => gatesInOrder(all, 'encoder.self_attn.in_proj', [1, 0, 2]),
    layer: 'encoder.self_attn',
    reason: /in the order keys, queries, values/,
  },
  'normalisation behind the sublayers': {
    of: 'transformer',
    model: () => new Transformer({ normFirst: false }),
    layer: 'encoder.self_attn',
    reason: /encoder.norm1 before it/,
  },
  'ReLU in a transformer layer': {
    of: 'transformer',
    model: () => new Transformer({ activation: 'relu' }),
    layer: 'encoder.dropout',
    reason: /GELU before it, in place of/,
  },
  'pooling that leaves out the last row': {
    of: 'unet',
    model: unet({ pool: new nn.MaxPool2d(2) }),
    layer: 'pool',
    reason: /ceilMode: true/,
  },
  'another dilation': {
    of: 'unet',
    model: unet({ middle: new nn.Conv2d(4, 4, 3, { padding: 1 }) }),
    layer: 'middle',
    reason: /dilation 2 and padding 2/,
  },
  'corners that are not aligned': {
    of: 'unet',
    model: unet({ up: new nn.Upsample({ size: [9, 9], mode: 'bilinear' }) }),
    layer: 'up',
    reason: /'bilinear' with alignCorners: true/,
  },
  'parts put together in the other order': {
    of: 'unet',
    model: unet({ join: (deep, skip) => concat([skip, deep], -1) }),
    layer: 'merge',
    reason: /in the other order/,
  },
  'a recorder that keeps no copies': {
    of: 'unet',
    model: unet({}),
    activations: activationsInPlace,
    layer: 'merge',
    reason: /ReLU at its end.*in place/,
  },
};

/** The recorded input with its channels the other way round. */
function inBGR() {
  const { dtype, shape, data } = recordedFloats('input');
  const plane = 12 * 10;
  const flipped = data.map((_, i) => {
    const channel = Math.floor(i / plane) % 3;
    return data[i + (2 - 2 * channel) * plane] as number;
  });
  return { dtype, shape, data: flipped };
}

function recordedFloats(name: string) {
  const { shape, data } = activationsOf('convolutional')[name] as FileTensor;
  return { dtype: 'float32' as const, shape, data: data as Float32Array };
}

/** The recorded output of dropout, had it been on. */
function droppedOut() {
  const { dtype, shape, data } = recordedFloats('drop');
  return { dtype, shape, data: data.map((value, i) => (i % 10 < 3 ? 0 : value / 0.7)) };
}

describe('compare names the layer that is broken, and why', () => {
  it.each(Object.entries(broken))('%s', async (_, { model, of, layer, reason, weights, activations }) => {
    const recorded = activations?.() ?? activationsOf(of);
    const own = weightsOf(of);
    const found = await io.compare(model(), recorded, { weights: weights?.(own) ?? own });
    expect({ layer: found.first?.path, reason: found.first?.reason }).toEqual({
      layer,
      reason: expect.stringMatching(reason),
    });
    expect(found.layers.find(({ departs }) => departs)).toBe(found.first);
  });
});

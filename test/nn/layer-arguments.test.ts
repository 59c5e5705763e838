import { ChainruleError, nn, Tensor, tensor, zeros } from 'chainrule';
import { describe, expect, it } from 'vitest';

type Arguments = readonly unknown[];
const encoderLayer = () => new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 8 });
const decoderLayer = () => new nn.TransformerDecoderLayer(4, 2, { dimFeedforward: 8 });

/** Arguments with which each layer can be made, without its options. */
const plain: Readonly<Record<string, Arguments>> = {
  ...{ AdaptiveAvgPool1d: [2], AdaptiveAvgPool2d: [2], AdaptiveMaxPool1d: [2], AdaptiveMaxPool2d: [2] },
  ...{ AlphaDropout: [0.5], Dropout: [0.5], Dropout1d: [0.5], Dropout2d: [0.5], DropPath: [0.5] },
  ...{ CELU: [1], ELU: [1], LeakyReLU: [0.1], Hardtanh: [-1, 1], GLU: [-1], Softmax: [-1], LogSoftmax: [-1] },
  ...{ Checkpoint: [new nn.ReLU()], Lambda: [(x: Tensor) => x], Flatten: [1, -1], Upsample: [] },
  ...{ PixelShuffle: [2], PixelUnshuffle: [2] },
};

/** As `plain`, for the layers that take options. */
const optional: Readonly<Record<string, Arguments>> = {
  ...{ Linear: [4, 2], Conv1d: [4, 2, 3], Conv2d: [4, 2, 3], Conv3d: [4, 2, 3] },
  ...{ ConvTranspose1d: [4, 2, 3], ConvTranspose2d: [4, 2, 3], ConvTranspose3d: [4, 2, 3] },
  ...{ MaxPool1d: [2], MaxPool2d: [2], MaxPool3d: [2], AvgPool1d: [2], AvgPool2d: [2], AvgPool3d: [2] },
  ...{ LPPool1d: [2, 2], LPPool2d: [2, 2], BatchNorm1d: [4], BatchNorm2d: [4], BatchNorm3d: [4] },
  ...{ LayerNorm: [4], RMSNorm: [4], GroupNorm: [2, 4], InstanceNorm1d: [4], InstanceNorm2d: [4] },
  ...{
    LocalResponseNorm: [3],
    Embedding: [5, 2],
    LearnedEncoding: [5, 4],
    PReLU: [1],
    GELU: [],
    Softplus: [],
  },
  ...{ RNN: [4, 3], LSTM: [4, 3], GRU: [4, 3], RNNCell: [4, 3], LSTMCell: [4, 3], GRUCell: [4, 3] },
  ...{ MultiheadAttention: [4, 2], TransformerEncoderLayer: [4, 2], TransformerDecoderLayer: [4, 2] },
  ...{ TransformerEncoder: [1, encoderLayer], TransformerDecoder: [1, decoderLayer] },
  ...{ Residual: [new nn.ReLU()] },
};

const classes = Object.entries(nn).filter(
  (entry): entry is [string, typeof nn.Identity] =>
    typeof entry[1] === 'function' && entry[1].prototype instanceof nn.Module,
);
const make = (name: string, ...args: Arguments): nn.Module =>
  Reflect.construct(Reflect.get(nn, name) as typeof nn.Identity, args);
const forward = (layer: nn.Module, ...inputs: Arguments): unknown =>
  Reflect.apply(layer.forward, layer, inputs);
const thrownBy = (call: () => unknown): ChainruleError => {
  try {
    call();
  } catch (error) {
    if (error instanceof ChainruleError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Values of kinds that no parameter of a layer has. */
const hostile = (): Arguments => [
  ...[Symbol('s'), 10n, 2 ** 53, new Date(), new Map(), Object.create(null), new Float32Array(2)],
  ...[
    new Proxy({}, { getPrototypeOf: () => expect.fail('read') }),
    class {},
    new Array(2),
    new BigInt64Array(1),
  ],
];

describe('the constructor of every layer', () => {
  const options = Object.entries(optional);
  const all = [...Object.entries(plain), ...options.map(([name, args]) => [name, [...args, {}]] as const)];

  it.each(all.filter(([name]) => name !== 'Upsample'))('%s refuses an argument too many', (name, args) => {
    expect(make(name, ...args)).toBeInstanceOf(nn.Module);
    const { op, expected } = thrownBy(() => make(name, ...args, 3));
    expect([op, expected]).toEqual([name, expect.stringMatching(/^takes .+ alone$/)]);
  });

  it.each(options)('%s refuses an unknown option', (name, args) => {
    expect(thrownBy(() => make(name, ...args, { verbose: 1 })).message).toMatch(
      new RegExp(`^${name}: unknown option verbose; the options are `),
    );
  });

  it.each(all)(
    '%s refuses what is of no kind that it knows, and only by errors of the library',
    (name, args) => {
      for (const place of args.keys()) {
        for (const value of hostile()) {
          const given = [...args];
          given[place] = value;
          try {
            make(name, ...given);
          } catch (error) {
            expect(error).toBeInstanceOf(ChainruleError);
            expect((error as ChainruleError).op).toBe(name);
          }
        }
      }
    },
  );

  it.each(classes.filter(([name]) => !(name in plain || name in optional || name === 'Sequential')))(
    '%s takes no argument',
    (name) => {
      expect(thrownBy(() => make(name, { inplace: true })).message).toBe(
        `${name}: takes no further argument, got an object`,
      );
    },
  );
});

describe('an argument in the way of other frameworks', () => {
  const cases: [message: string, name: string, ...args: Arguments][] = [
    ['Conv2d: options must be a plain object such as { stride: 1 }, got 1', 'Conv2d', 1, 2, 3, 1, 1],
    ['Linear: options must be a plain object such as { bias: false }, got false', 'Linear', 4, 2, false],
    [
      'BatchNorm2d: options must be a plain object such as { eps: 0.00001 }, got 0.00001',
      'BatchNorm2d',
      8,
      1e-5,
    ],
    ['MaxPool2d: options must be a plain object such as { stride: 2 }, got 2', 'MaxPool2d', 2, 2],
    ['LSTM: options must be a plain object such as { numLayers: 2 }, got 2', 'LSTM', 4, 3, 2],
    ['Upsample: options must be a plain object such as { scale: 2 }, got 2', 'Upsample', 2],
    [
      'Dropout: p must be at least 0 and less than 1; write its value alone instead of { p: ... }, got an object',
      ...(['Dropout', { p: 0.5 }] as const),
    ],
    [
      'Conv2d: kernelSize must be an integer or an array of integers; write its value alone instead of ' +
        '{ kernel_size: ... }, got an object',
      ...(['Conv2d', 1, 2, { kernel_size: 3 }] as const),
    ],
    [
      'Softmax: axis must be an integer; write its value alone instead of { dim: ... }, got an object',
      ...(['Softmax', { dim: 1 }] as const),
    ],
    [
      'Sequential: layers must be modules, one by one: write ...layers for a list, got [an instance of ReLU]',
      ...(['Sequential', [new nn.ReLU()]] as const),
    ],
    [
      'Sequential: layers must be a module, which new ReLU(...) makes, got function ReLU',
      ...(['Sequential', nn.ReLU] as const),
    ],
    [
      'LSTM: unknown option batch_first; the batch is the first axis always',
      'LSTM',
      4,
      3,
      { batch_first: true },
    ],
    ['ReLU: takes no further argument, got true', 'ReLU', true],
  ];
  it.each(cases)('%s', (message, name, ...args) => {
    expect(thrownBy(() => make(name, ...args)).message).toBe(message);
  });

  it.each([
    ['Linear', 'useBias', 'bias'],
    ['Linear', 'kernel_initializer', 'init'],
    ['Linear', 'bias_initializer', 'biasInit'],
    ['Conv2d', 'strides', 'stride'],
    ['Conv2d', 'dilation_rate', 'dilation'],
    ['Conv2d', 'padding_mode', 'paddingMode'],
    ['MaxPool2d', 'ceil_mode', 'ceilMode'],
    ['BatchNorm1d', 'epsilon', 'eps'],
    ['BatchNorm1d', 'track_running_stats', 'trackRunningStats'],
    ['GroupNorm', 'center', 'affine'],
    ['Embedding', 'padding_idx', 'paddingIdx'],
    ['Embedding', 'mask_zero', 'paddingIdx'],
    ['LSTM', 'num_layers', 'numLayers'],
    ['TransformerEncoderLayer', 'dim_feedforward', 'dimFeedforward'],
    ['TransformerEncoderLayer', 'norm_first', 'normFirst'],
  ])('%s: %s is suggested to be %s', (name, given, meant) => {
    const args = optional[name] as Arguments;
    expect(thrownBy(() => make(name, ...args, { [given]: 1 })).message).toContain(
      `${name}: unknown option ${given}; did you mean ${meant}?`,
    );
  });
});

describe('the inputs of forward', () => {
  const sequence = zeros([1, 3, 4]);
  const layers = [...Object.entries(plain), ...Object.entries(optional)].filter(
    ([name]) => name !== 'Upsample',
  );

  it.each(layers)('%s refuses what is no tensor, by its name', (name, args) => {
    for (const input of ['x', [[1, 2]], Symbol('s'), { lengths: 1 }]) {
      const { op, message } = thrownBy(() => forward(make(name, ...args), input));
      expect([op, message]).toEqual([name, expect.stringMatching(/must be a tensor, got /)]);
    }
  });

  const single = layers.filter(([name]) => !/Checkpoint|Lambda|Cell$|Attention/.test(name));
  it.each(single)('%s refuses an input too many', (name, args) => {
    const inputs = name.includes('Decoder') ? [sequence, sequence] : [sequence];
    const { op, expected } = thrownBy(() => forward(make(name, ...args), ...inputs, sequence));
    expect([op, expected]).toEqual([name, expect.stringMatching(/^takes .+ alone/)]);
  });

  it.each([
    [
      'MultiheadAttention',
      { keyPaddingMask: 1 },
      'attend(query, key, value, { mask, keyPaddingMask, causal })',
    ],
    ['LSTM', { lengths: 1 }, 'run(x, { lengths, state })'],
    ['GRUCell', [sequence], 'run(x, state)'],
    ['TransformerEncoderLayer', { mask: 1 }, 'encode(x, { mask, keyPaddingMask, causal })'],
    ['TransformerEncoder', { mask: 1 }, 'encode(x, { mask, keyPaddingMask, causal })'],
    ['TransformerDecoderLayer', { self: 1 }, 'decode(x, memory, { self, memory })'],
    ['TransformerDecoder', { self: 1 }, 'decode(x, memory, { self, memory })'],
  ])('%s names the call that takes more than tensors', (name, given, call) => {
    const layer = make(name, ...(optional[name] as Arguments));
    expect(thrownBy(() => forward(layer, sequence, given)).expected).toMatch(
      new RegExp(`; ${call.replace(/[(){}]/g, '\\$&')} takes more$`),
    );
  });

  it('of one that is missing says so alone', () => {
    expect(thrownBy(() => forward(new nn.Sequential(decoderLayer()), sequence)).message).toBe(
      'TransformerDecoderLayer: memory must be a tensor, got undefined',
    );
  });

  it('of the calls that take more are checked too', () => {
    const attention = new nn.MultiheadAttention(4, 2);
    const attend = (masks: unknown) => () => attention.attend(sequence, sequence, sequence, masks as never);
    expect(attend({ key_padding_mask: 1 })).toThrow(
      'unknown option key_padding_mask; did you mean keyPaddingMask?',
    );
    expect(attend({ mask: [[1]] })).toThrow('MultiheadAttention: mask must be a tensor or null, got [[1]]');
    expect(attend({ mask: null, keyPaddingMask: null })()).toBeInstanceOf(Tensor);
    const lstm = new nn.LSTM(4, 3);
    expect(() => lstm.run(sequence, { hx: 1 } as never)).toThrow(
      'LSTM: unknown option hx; did you mean state?',
    );
    expect(lstm.run(sequence, { lengths: null, state: null }).state).toHaveLength(2);
    expect(() => new nn.GRUCell(4, 3).run(zeros([1, 4]), [1] as never)).toThrow(
      'GRUCell: state must be an array of tensors, got [1]',
    );
  });

  it('reach the methods of classes that extend a layer as they are given', () => {
    class Scaled extends nn.Linear {
      override forward(x: Tensor, ...more: unknown[]): Tensor {
        return super.forward(x).mul(Number(more[0]));
      }
    }
    class Named extends nn.LSTM {}
    class Own extends nn.Module {
      forward(...given: unknown[]): never {
        return given as never;
      }
    }
    expect(forward(new Scaled(4, 4), sequence, 3)).toBeInstanceOf(Tensor);
    expect(forward(new Own(), 1, { k: 2 })).toEqual([1, { k: 2 }]);
    expect(() => forward(new Named(4, 3), sequence, 3)).toThrow('LSTM: takes x alone');
  });

  it('need the layer', () => {
    const { forward: alone } = new nn.ReLU();
    expect(() => alone(sequence)).toThrow('forward: must be called as a method of its layer, got undefined');
  });
});

describe('what a part of a layer returns', () => {
  const broken = new nn.Lambda((async (x: Tensor) => x) as never);
  class Nothing extends nn.Module {
    forward(): never {
      return undefined as never;
    }
  }
  const x = tensor([[1, 2]]);
  it.each([
    ['Lambda: the result of the function', broken, 'an instance of Promise'],
    ['Sequential: the result of layer 1', new nn.Sequential(new nn.ReLU(), new Nothing()), 'undefined'],
    ['Residual: the result of inner', new nn.Residual(new Nothing()), 'undefined'],
    [
      'Residual: the result of shortcut',
      new nn.Residual(new nn.ReLU(), { shortcut: new Nothing() }),
      'undefined',
    ],
    ['Checkpoint: the result of inner', new nn.Checkpoint(new Nothing()), 'undefined'],
  ])('%s must be a tensor', (what, layer, received) => {
    expect(() => layer.forward(x)).toThrow(`${what} must be a tensor, got ${received}`);
  });
});

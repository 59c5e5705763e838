// The scenarios' models for the peers that Node.js runs, written once over the few operations that each of them gives:
//
// - parameter(shape, fanIn): the next parameter, with uniform initial values, or 'ones' or 'zeros' in place of fanIn
// - twice(x): two references to x, where a value is used twice
// - dense(x, w, b) on the last axis, conv(x, w, b, { stride, padding }), maxPool(x) of 2x2, relu, gelu, add, flatten
// - batchNorm(x, scale, shift, mean, variance), imageMean(x), layerNorm(x, scale, shift), embed(tokens, table)
// - attention(q, k, v), [N, heads, T, F], causal; split(x, heads): q, k and v of [N, T, 3F]; join(x): back to [N, T, F]
// - lstm(x, w, u, biases), the last state of [N, T, F], if it has a loop
// - kernel(size, inputs, outputs): the shape of a convolution's weight
//
// A model is a function of the operations and the input that gives the output.

const perceptron = (...widths) => ({
  apply: (lib, x) => chain(lib, x, widths),
});

function chain(lib, x, widths) {
  let value = x;
  for (let i = 1; i < widths.length; i++) {
    value = dense(lib, value, widths[i - 1], widths[i]);
    if (i + 1 < widths.length) value = lib.relu(value);
  }
  return value;
}

function dense(lib, x, inputs, outputs) {
  return lib.dense(x, lib.parameter([inputs, outputs], inputs), lib.parameter([outputs], inputs));
}

function conv(lib, x, inputs, outputs, size, { stride = 1, padding = (size - 1) / 2, bias = true } = {}) {
  const fanIn = inputs * size * size;
  const weight = lib.parameter(lib.kernel(size, inputs, outputs), fanIn);
  return lib.conv(x, weight, bias ? lib.parameter([outputs], fanIn) : null, { stride, padding });
}

const lenet = {
  apply(lib, x) {
    const first = lib.maxPool(lib.relu(conv(lib, x, 1, 6, 5)));
    const second = lib.maxPool(lib.relu(conv(lib, first, 6, 16, 5, { padding: 0 })));
    return chain(lib, lib.flatten(second), [400, 120, 84, 10]);
  },
};

const mnistCnn = {
  apply(lib, x) {
    const first = lib.relu(conv(lib, x, 1, 32, 3));
    const second = lib.maxPool(lib.relu(conv(lib, first, 32, 64, 3)));
    return chain(lib, lib.flatten(second), [12544, 128, 10]);
  },
};

function normalised(lib, x, inputs, outputs, size, stride) {
  const y = conv(lib, x, inputs, outputs, size, { stride, bias: false });
  return lib.batchNorm(y, lib.parameter([outputs], 'ones'), lib.parameter([outputs], 'zeros'), outputs);
}

const resnet = (widths, blocks) => ({
  apply(lib, x) {
    let value = lib.relu(normalised(lib, x, 3, widths[0], 3, 1));
    let inputs = widths[0];
    for (const [stage, width] of widths.entries()) {
      for (let i = 0; i < blocks; i++) {
        const stride = stage > 0 && i === 0 ? 2 : 1;
        const [way, around] = lib.twice(value);
        const first = lib.relu(normalised(lib, way, inputs, width, 3, stride));
        const inner = normalised(lib, first, width, width, 3, 1);
        const shortcut = inputs === width ? around : normalised(lib, around, inputs, width, 1, stride);
        value = lib.relu(lib.add(inner, shortcut));
        inputs = width;
      }
    }
    return dense(lib, lib.imageMean(value), inputs, 10);
  },
});

const gpt = ({ blocks, width, heads, context, vocabulary }) => ({
  apply(lib, tokens) {
    const norm = (x) => lib.layerNorm(x, lib.parameter([width], 'ones'), lib.parameter([width], 'zeros'));
    let x = lib.embed(tokens, lib.parameter([vocabulary, width], 1));
    x = lib.add(x, lib.parameter([context, width], 2500));
    for (let i = 0; i < blocks; i++) {
      const [way, around] = lib.twice(x);
      const [q, k, v] = lib.split(dense(lib, norm(way), width, 3 * width), heads);
      x = lib.add(around, dense(lib, lib.join(lib.attention(q, k, v)), width, width));
      const [inner, rest] = lib.twice(x);
      const wide = lib.gelu(dense(lib, norm(inner), width, 4 * width));
      x = lib.add(rest, dense(lib, wide, 4 * width, width));
    }
    return dense(lib, norm(x), width, vocabulary);
  },
});

const lstm = {
  apply(lib, x) {
    if (!lib.lstm) throw new Error('it has no loop that can be differentiated');
    const [inputs, hidden] = [64, 256];
    const [w, u] = [inputs, hidden].map((width) => lib.parameter([width, 4 * hidden], hidden));
    const biases = [0, 1].map(() => lib.parameter([4 * hidden], hidden));
    return dense(lib, lib.lstm(x, w, u, biases), hidden, 10);
  },
};

const mlp = perceptron(784, 512, 256, 10);

/** By name of the scenario. */
export const models = {
  tiny_mlp: perceptron(16, 64, 64, 2),
  mnist_mlp: mlp,
  large_mlp: perceptron(1024, 2048, 2048, 2048, 1000),
  lenet,
  mnist_cnn: mnistCnn,
  resnet20: resnet([16, 32, 64], 3),
  resnet18: resnet([64, 128, 256, 512], 2),
  char_gpt: gpt({ blocks: 4, width: 128, heads: 4, context: 64, vocabulary: 96 }),
  lstm,
  predict_mlp: mlp,
  predict_cnn: mnistCnn,
};

/** Random values of a batch. */
export function randomBatch({ dtype, shape, below }, batch) {
  const size = shape.reduce((product, length) => product * length, batch);
  return dtype === 'int32'
    ? Int32Array.from({ length: size }, () => Math.floor(below * Math.random()))
    : Float32Array.from({ length: size }, () => Math.random());
}

/** Initial values of a parameter. */
export function initialValues(size, fanIn) {
  if (fanIn === 'ones') return new Float32Array(size).fill(1);
  if (fanIn === 'zeros') return new Float32Array(size);
  const bound = fanIn ** -0.5;
  return Float32Array.from({ length: size }, () => bound * (2 * Math.random() - 1));
}

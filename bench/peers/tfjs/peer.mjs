// Times steps in TensorFlow.js on its WASM backend; see ../serve.mjs. Its arguments are the number of threads, of which
// the backend has one in Node.js, and the folder of the npm packages.
import { createRequire } from 'node:module';
import { initialValues, models, randomBatch } from '../models.mjs';
import { serve } from '../serve.mjs';

const load = createRequire(process.argv[3]);
const tf = load('@tensorflow/tfjs');
load('@tensorflow/tfjs-backend-wasm');
await tf.setBackend('wasm');
await tf.ready();

/** The operations of ../models.mjs, with variables that are made at the first call of a model. */
class Library {
  variables = [];
  #statistics = [];
  #next = 0;
  #nextStatistic = 0;

  constructor(training) {
    this.training = training;
  }

  /** The output of a model. */
  run(model, x) {
    this.#next = this.#nextStatistic = 0;
    return model.apply(this, x);
  }

  parameter(shape, fanIn) {
    const size = shape.reduce((a, b) => a * b, 1);
    this.variables[this.#next] ??= tf.keep(tf.variable(tf.tensor(initialValues(size, fanIn), shape)));
    return this.variables[this.#next++];
  }

  #statistic(shape, value) {
    this.#statistics[this.#nextStatistic] ??= tf.keep(tf.fill(shape, value));
    return this.#statistics[this.#nextStatistic++];
  }

  twice = (x) => [x, x];
  relu = tf.relu;
  add = tf.add;
  kernel = (size, inputs, outputs) => [size, size, inputs, outputs];
  flatten = (x) => x.reshape([x.shape[0], -1]);
  maxPool = (x) => tf.maxPool(x, 2, 2, 'valid');
  imageMean = (x) => x.mean([1, 2]);
  gelu = (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));

  embed(tokens, table) {
    if (!this.training) return tf.gather(table, tokens);
    // The backend has no gradient of gather.
    const hot = tf.oneHot(tokens.flatten(), table.shape[0]).toFloat();
    return tf.matMul(hot, table).reshape([...tokens.shape, -1]);
  }

  dense(x, w, b) {
    const product = tf.matMul(x.reshape([-1, x.shape.at(-1)]), w).add(b);
    return product.reshape([...x.shape.slice(0, -1), -1]);
  }

  conv(x, w, b, { stride, padding }) {
    const y = tf.conv2d(x, w, stride, padding);
    return b ? y.add(b) : y;
  }

  batchNorm(x, scale, shift, channels) {
    const { mean, variance } = this.training
      ? tf.moments(x, [0, 1, 2])
      : { mean: this.#statistic([channels], 0), variance: this.#statistic([channels], 1) };
    return tf.batchNorm(x, mean, variance, shift, scale, 1e-5);
  }

  layerNorm(x, scale, shift) {
    const { mean, variance } = tf.moments(x, -1, true);
    return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(scale).add(shift);
  }

  lstm(x, w, u, [inner, outer]) {
    const [batch] = x.shape;
    const rows = this.dense(x, w, inner.add(outer));
    let [h, c] = [tf.zeros([batch, u.shape[0]]), tf.zeros([batch, u.shape[0]])];
    for (const row of tf.unstack(rows, 1)) {
      const [i, f, g, o] = tf.split(row.add(tf.matMul(h, u)), 4, 1);
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      h = o.sigmoid().mul(c.tanh());
    }
    return h;
  }

  split(x, heads) {
    const [batch, length] = x.shape;
    const parts = tf.split(x, 3, 2);
    return parts.map((part) => part.reshape([batch, length, heads, -1]).transpose([0, 2, 1, 3]));
  }

  join(x) {
    const [batch, , length] = x.shape;
    return x.transpose([0, 2, 1, 3]).reshape([batch, length, -1]);
  }

  attention(q, k, v) {
    const { shape } = q;
    const length = shape[2];
    const mask = tf.linalg
      .bandPart(tf.ones([length, length]), -1, 0)
      .sub(1)
      .mul(1e9);
    const scores = tf
      .matMul(q, k, false, true)
      .mul(shape[3] ** -0.5)
      .add(mask);
    return tf.matMul(tf.softmax(scores), v);
  }
}

async function prepare({ name, kind, batchSize, inputs, targets, optimizer }) {
  const model = models[name];
  // What the scenario before has left.
  tf.disposeVariables();
  const library = new Library(kind === 'train');
  const x = tf.tensor(randomBatch(inputs, batchSize), [batchSize, ...inputs.shape], inputs.dtype);
  const step =
    kind === 'train' ? training(library, model, x, targets, batchSize) : predicting(library, model, x);
  step();
  const remarks = optimizer === 'adamW' ? ['Adam in place of AdamW, which it lacks'] : [];
  const run = async (steps) => {
    for (let i = 0; i < steps; i++) step();
  };
  return {
    parameters: library.variables.reduce((sum, { size }) => sum + size, 0),
    variants: { wasm: run },
    remarks,
  };
}

function predicting(library, model, x) {
  return () => tf.tidy(() => library.run(model, x).dataSync());
}

function training(library, model, x, targets, batch) {
  const labels = tf.tensor(randomBatch(targets, batch), [batch, ...targets.shape], 'int32');
  const optimizer = tf.train.adam(1e-3);
  const loss = () => {
    const scores = library.run(model, x);
    const classes = scores.shape.at(-1);
    const picked = tf.oneHot(labels.flatten(), classes).mul(tf.logSoftmax(scores.reshape([-1, classes])));
    return picked.sum().mul(-1 / labels.size);
  };
  // Makes the variables before gradients are asked for.
  tf.tidy(() => library.run(model, x));
  return () => {
    const value = optimizer.minimize(loss, true, library.variables);
    value.dataSync();
    value.dispose();
  };
}

await serve(`TensorFlow.js ${tf.version.tfjs} (WASM)`, prepare);

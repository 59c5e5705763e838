// Times steps in jax-js on its WASM backend, one jitted function per step; see ../serve.mjs. Its arguments are the
// number of threads, which the library chooses itself, and the folder of the npm packages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { initialValues, models, randomBatch } from '../models.mjs';
import { serve } from '../serve.mjs';

// Node.js has it since version 21, and the library looks for a graphics processor in it.
globalThis.navigator ??= {};

const load = createRequire(process.argv[3]);
const jax = load('@jax-js/jax');
const { version } = JSON.parse(
  readFileSync(join(dirname(load.resolve('@jax-js/jax')), '../package.json'), 'utf8'),
);
const { lax, nn, numpy: np, tree } = jax;
await jax.init('wasm');
jax.defaultDevice('wasm');

/**
 * The operations of ../models.mjs over given parameters. A function of the library takes its arguments over, so that a
 * value which is used again is passed by `.ref`.
 */
class Library {
  #next = 0;

  /** @param next gives the parameter with a number, for its shape and initial values */
  constructor(next, training) {
    this.next = next;
    this.training = training;
  }

  parameter(shape, fanIn) {
    return this.next(this.#next++, shape, fanIn);
  }

  twice = (x) => [x.ref, x];
  relu = nn.relu;
  gelu = (x) => nn.gelu(x, { approximate: false });
  add = np.add;
  kernel = (size, inputs, outputs) => [outputs, inputs, size, size];
  flatten = (x) => x.reshape([x.shape[0], -1]);
  imageMean = (x) => np.mean(x, [2, 3]);

  maxPool(x) {
    const [batch, channels, height, width] = x.shape;
    return np.max(x.reshape([batch, channels, height / 2, 2, width / 2, 2]), [3, 5]);
  }

  dense(x, w, b) {
    const rows = x.shape.slice(0, -1);
    const product = np.dot(x.reshape([-1, x.shape.at(-1)]), w).add(b);
    return product.reshape([...rows, product.shape[1]]);
  }

  conv(x, w, b, { stride, padding }) {
    const around = [
      [padding, padding],
      [padding, padding],
    ];
    const y = lax.convGeneralDilated(x, w, [stride, stride], around);
    return b ? y.add(b.reshape([1, -1, 1, 1])) : y;
  }

  batchNorm(x, scale, shift) {
    const across = [1, -1, 1, 1];
    if (!this.training) return x.mul(scale.reshape(across)).add(shift.reshape(across));
    const centred = x.ref.sub(np.mean(x, [0, 2, 3], { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), [0, 2, 3], { keepdims: true });
    const unit = centred.div(np.sqrt(variance.add(1e-5)));
    return unit.mul(scale.reshape(across)).add(shift.reshape(across));
  }

  layerNorm(x, scale, shift) {
    const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
    const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
    return centred
      .div(np.sqrt(variance.add(1e-5)))
      .mul(scale)
      .add(shift);
  }

  embed(tokens, table) {
    return np.dot(nn.oneHot(tokens, table.shape[0]), table);
  }

  split(x, heads) {
    const [batch, length, width] = x.shape;
    const apart = [batch, length, heads, width / 3 / heads];
    return np.split(x, 3, 2).map((part) => np.transpose(part.reshape(apart), [0, 2, 1, 3]));
  }

  /** By products, as the library's own attention needs Node.js 22. */
  attention(q, k, v) {
    const [, , length, features] = q.shape;
    const mask = np
      .tril(np.ones([length, length]))
      .sub(1)
      .mul(1e9);
    const scores = np
      .matmul(q, np.transpose(k, [0, 1, 3, 2]))
      .mul(features ** -0.5)
      .add(mask);
    return np.matmul(nn.softmax(scores), v);
  }

  join(x) {
    const [batch, heads, length, features] = x.shape;
    return np.transpose(x, [0, 2, 1, 3]).reshape([batch, length, heads * features]);
  }
}

/** An input: images are channels-first. */
function inputOf(values, batch) {
  const [height, width, channels] = values.shape;
  const shape = values.shape.length === 3 ? [channels, height, width] : values.shape;
  return arrayOf(randomBatch(values, batch), [batch, ...shape]);
}

function arrayOf(values, shape) {
  return np.array(values, { dtype: values instanceof Int32Array ? np.int32 : np.float32 }).reshape(shape);
}

async function prepare({ name, kind, batchSize, inputs, targets, optimizer }) {
  const model = models[name];
  const training = kind === 'train';
  const specs = specsOf(model, training, inputOf(inputs, batchSize));
  const parameters = specs.map(({ shape, fanIn }) => arrayOf(initialValues(sizeOf(shape), fanIn), shape));
  const apply = (given, x) => model.apply(new Library((i) => given[i], training), x);
  const x = inputOf(inputs, batchSize);
  const remarks = training && name.startsWith('resnet') ? ['without running statistics'] : [];
  const run = training
    ? trainer({
        apply,
        parameters,
        x,
        y: inputOf(targets, batchSize),
        decay: optimizer === 'adamW' ? 0.01 : 0,
      })
    : predictor(apply, parameters, x);
  return {
    parameters: specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    variants: { jit: run },
    remarks,
  };
}

/** The shapes of the model's parameters, found by running it once. */
function specsOf(model, training, x) {
  const specs = [];
  const note = (_, shape, fanIn) => {
    specs.push({ shape, fanIn });
    return arrayOf(initialValues(sizeOf(shape), fanIn), shape);
  };
  model.apply(new Library(note, training), x).dispose();
  return specs;
}

function predictor(apply, parameters, x) {
  const forward = jax.jit((given, x) => apply(given, x));
  return async (steps) => {
    for (let i = 0; i < steps; i++) await forward(tree.ref(parameters), x.ref).data();
  };
}

function trainer({ apply, parameters, x, y, decay }) {
  const lossOf = (given, x, y) => {
    const scores = apply(given, x);
    const classes = scores.shape.at(-1);
    const rows = scores.reshape([-1, classes]);
    const count = rows.shape[0];
    const picked = nn.logSoftmax(rows).mul(nn.oneHot(y.reshape([-1]), classes));
    return picked.sum().mul(-1 / count);
  };
  const step = jax.jit((given, first, second, rates, x, y) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(tree.ref(given), x, y);
    const results = given.map((p, i) => adam(p, gradients[i], first[i], second[i], rates.ref, decay));
    rates.dispose();
    return [loss, ...[0, 1, 2].map((part) => results.map((result) => result[part]))];
  });
  const zeros = () => parameters.map(({ shape }) => np.zeros(shape));
  let held = [parameters, zeros(), zeros()];
  let count = 0;
  return async (steps) => {
    for (let i = 0; i < steps; i++) {
      count++;
      // In the loop, since its numbers change: the rate over the corrections of both moments.
      const rates = np.array(new Float32Array([1e-3 / (1 - 0.9 ** count), 1 / (1 - 0.999 ** count)]));
      const [loss, ...rest] = step(...held, rates, x.ref, y.ref);
      held = rest;
      await loss.data();
    }
  };
}

/** The new parameter and moments. */
function adam(p, gradient, first, second, rates, decay) {
  const m = first.mul(0.9).add(gradient.ref.mul(0.1));
  const v = second.mul(0.999).add(np.square(gradient).mul(0.001));
  const [rate, correction] = np.split(rates, 2);
  const change = m.ref.mul(rate.reshape([])).div(np.sqrt(v.ref.mul(correction.reshape([]))).add(1e-8));
  return [p.mul(1 - 1e-3 * decay).sub(change), m, v];
}

function sizeOf(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

await serve(`jax-js ${version}`, prepare);

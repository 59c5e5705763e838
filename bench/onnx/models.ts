import type { Shape } from '../../lib/index.js';
import type { OnnxGraph, ValueName } from './graph.js';
import { type AttentionForm, attentionForms, gpt } from './transformer.js';
import { permute, type Weights } from './weights.js';

/**
 * A model of the benchmark in ONNX: adds its nodes to a graph and returns the output. Images are channels-first, as
 * ONNX has them.
 */
type OnnxModel = (graph: OnnxGraph, weights: Weights, x: ValueName) => ValueName;

/** Each model in the forms that may be the fastest, by name of the scenario and of the form. */
export const onnxModels: Readonly<Record<string, Readonly<Record<string, OnnxModel>>>> = {
  mnist_mlp: { graph: perceptron },
  mnist_cnn: { graph: mnistCnn },
  resnet18: { graph: resnet },
  char_gpt: Object.fromEntries(attentionForms.map((form: AttentionForm) => [form, gpt(form)])),
  predict_mlp: { graph: perceptron },
  predict_cnn: { graph: mnistCnn },
};

function perceptron(graph: OnnxGraph, weights: Weights, x: ValueName): ValueName {
  const hidden = ['0', '2'].reduce(
    (value, path) => graph.node('Relu', [dense(graph, weights, path, value)]),
    x,
  );
  return dense(graph, weights, '4', hidden);
}

function mnistCnn(graph: OnnxGraph, weights: Weights, x: ValueName): ValueName {
  const images = ['0', '2'].reduce(
    (value, path) => graph.node('Relu', [convolution(graph, weights, path, value)]),
    x,
  );
  const pooled = graph.node('MaxPool', [images], { kernel_shape: [2, 2], strides: [2, 2] });
  const rows = graph.node('Flatten', [pooled], { axis: 1 });
  const hidden = graph.node('Relu', [dense(graph, weights, '6', rows, [14, 14, 64])]);
  return dense(graph, weights, '8', hidden);
}

/** As `lib/bench/models/resnet.ts` makes it for two blocks in each of four stages. */
function resnet(graph: OnnxGraph, weights: Weights, x: ValueName): ValueName {
  let value = graph.node('Relu', [normalised(graph, weights, '0', '1', x)]);
  for (let block = 0; block < 8; block++) {
    const path = `${3 + block}.0`;
    const narrows = block > 0 && block % 2 === 0;
    const stride = narrows ? 2 : 1;
    const first = normalised(graph, weights, `${path}.inner.0`, `${path}.inner.1`, value, stride);
    const inner = normalised(
      graph,
      weights,
      `${path}.inner.3`,
      `${path}.inner.4`,
      graph.node('Relu', [first]),
    );
    const around = narrows
      ? normalised(graph, weights, `${path}.shortcut.0`, `${path}.shortcut.1`, value, stride)
      : value;
    value = graph.node('Relu', [graph.node('Add', [inner, around])]);
  }
  const mean = graph.node('Flatten', [graph.node('GlobalAveragePool', [value])], { axis: 1 });
  return dense(graph, weights, '12', mean);
}

/** @param image the shape of the image that the input was before it was flattened, channels last */
function dense(graph: OnnxGraph, weights: Weights, path: string, x: ValueName, image?: Shape): ValueName {
  const { values, shape } = weights.at(`${path}.weight`);
  const weight = image
    ? graph.constant(permute(values, [shape[0] as number, ...image], [0, 3, 1, 2]), shape)
    : graph.constant(values, shape);
  return graph.node('Gemm', [x, weight, weights.constant(`${path}.bias`)], { transB: 1 });
}

function convolution(graph: OnnxGraph, weights: Weights, path: string, x: ValueName, stride = 1): ValueName {
  const [size = 1] = weights.at(`${path}.weight`).shape;
  const weight = weights.permuted(`${path}.weight`, [3, 2, 0, 1]);
  const bias = weights.has(`${path}.bias`) ? [weights.constant(`${path}.bias`)] : [];
  const padding = (size - 1) / 2;
  return graph.node('Conv', [x, weight, ...bias], {
    kernel_shape: [size, size],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  });
}

/** A convolution with batch normalisation. */
function normalised(
  graph: OnnxGraph,
  weights: Weights,
  path: string,
  norm: string,
  x: ValueName,
  stride = 1,
): ValueName {
  const statistics = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
    weights.constant(`${norm}.${name}`),
  );
  return graph.node('BatchNormalization', [convolution(graph, weights, path, x, stride), ...statistics], {
    epsilon: { float: 1e-5 },
  });
}

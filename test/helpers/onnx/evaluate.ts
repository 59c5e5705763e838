import {
  add,
  batchNorm,
  conv2d,
  flatten,
  gelu,
  indexSelect,
  layerNorm,
  matmul,
  mean,
  mul,
  nn,
  permute,
  relu,
  reshape,
  scaledDotProductAttention,
  softmax,
  split,
  type Tensor,
  tensor,
} from 'chainrule';
import type { AttributeValue, OnnxModel } from './decode.js';

type Attributes = Readonly<Record<string, AttributeValue>>;

const toLast = (x: Tensor) => permute(x, [0, 2, 3, 1]);
const toFirst = (x: Tensor) => permute(x, [0, 3, 1, 2]);

/** Ops of ONNX by their definitions (onnx.ai/onnx/operators), as far as the benchmark's models have them. */
const operators: Readonly<Record<string, (inputs: Tensor[], attributes: Attributes) => Tensor | Tensor[]>> = {
  Relu: ([x]) => relu(x as Tensor),
  Gelu: ([x]) => gelu(x as Tensor),
  Add: ([a, b]) => add(a as Tensor, b as Tensor),
  Mul: ([a, b]) => mul(a as Tensor, b as Tensor),
  MatMul: ([a, b]) => matmul(a as Tensor, b as Tensor),
  Gemm: ([a, b, c], { transB }) =>
    add(matmul(a as Tensor, b as Tensor, { transposeB: transB === 1 }), c as Tensor),
  Flatten: ([x], { axis }) => flatten(x as Tensor, axis as number),
  Conv: ([x, weight, bias], { strides, pads }) => {
    const [stride = 1] = strides as number[];
    const [padding = 0] = pads as number[];
    const y = conv2d(toLast(x as Tensor), permute(weight as Tensor, [2, 3, 1, 0]), { stride, padding });
    return toFirst(bias ? add(y, bias) : y);
  },
  MaxPool: ([x], { kernel_shape, strides }) =>
    toFirst(
      nn.maxPool2d(toLast(x as Tensor), (kernel_shape as number[])[0] as number, {
        stride: (strides as number[])[0] as number,
      }),
    ),
  GlobalAveragePool: ([x]) => mean(x as Tensor, [2, 3], { keepDims: true }),
  BatchNormalization: ([x, weight, bias, center, variance], { epsilon }) =>
    toFirst(
      batchNorm(
        toLast(x as Tensor),
        { mean: center as Tensor, variance: variance as Tensor },
        { weight: weight as Tensor, bias: bias as Tensor, eps: epsilon as number },
      ),
    ),
  LayerNormalization: ([x, weight, bias], { epsilon }) =>
    layerNorm(x as Tensor, (weight as Tensor).shape, {
      weight: weight as Tensor,
      bias: bias as Tensor,
      eps: epsilon as number,
    }),
  Gather: ([table, rows]) => {
    const { shape } = rows as Tensor;
    const chosen = indexSelect(table as Tensor, reshape(rows as Tensor, [-1]), 0);
    return reshape(chosen, [...shape, -1]);
  },
  Split: ([x], { axis, num_outputs }) => {
    const last = axis as number;
    return split(x as Tensor, ((x as Tensor).shape[last] as number) / (num_outputs as number), last);
  },
  Transpose: ([x], { perm }) => permute(x as Tensor, perm as number[]),
  Softmax: ([x], { axis }) => softmax(x as Tensor, axis as number),
  Attention: ([q, k, v], { is_causal, q_num_heads, kv_num_heads }) => {
    const apart = (x: Tensor, heads: number) => {
      const [rows = 0, length = 0, width = 0] = x.shape;
      return permute(reshape(x, [rows, length, heads, width / heads]), [0, 2, 1, 3]);
    };
    const heads = [q_num_heads, kv_num_heads, kv_num_heads] as number[];
    const [a, b, c] = [q, k, v].map((x, i) => apart(x as Tensor, heads[i] as number)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const mixed = scaledDotProductAttention(a, b, c, { causal: is_causal === 1 });
    return reshape(permute(mixed, [0, 2, 1, 3]), (q as Tensor).shape);
  },
};

/** The output of a model for an input. */
export function evaluate({ nodes, constants, input, output }: OnnxModel, x: Tensor): Tensor {
  const values = new Map<string, Tensor>([[input.name, x]]);
  for (const [name, { shape, values: data }] of constants)
    values.set(name, tensor(data, { shape: [...shape] }));
  for (const { op, inputs, outputs, attributes } of nodes) {
    const given = inputs.map((name) => values.get(name) as Tensor);
    let made: Tensor | Tensor[] | undefined;
    if (op === 'Reshape')
      made = reshaped(given[0] as Tensor, constants.get(inputs[1] as string)?.values ?? []);
    else made = operators[op]?.(given, attributes);
    if (!made) throw new Error(`there is no ${op}`);
    for (const [i, value] of [made].flat().entries()) values.set(outputs[i] as string, value);
  }
  return values.get(output) as Tensor;
}

/** A length of 0 stands for that of the input's axis. */
function reshaped(x: Tensor, shape: ArrayLike<number>): Tensor {
  return reshape(
    x,
    Array.from(shape, (length, axis) => (length === 0 ? (x.shape[axis] as number) : length)),
  );
}

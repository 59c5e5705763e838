import { compile, type nn, type Tensor, tensor } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { onnxFiles, onnxShape, onnxValues } from '#bench/onnx/export.js';
import { Message } from '#bench/onnx/message.js';
import { randomValues } from '#lib/bench/random-data.js';
import type { Scenario } from '#lib/bench/scenario.js';
import { scenarios } from '#lib/bench/scenarios/index.js';
import { decodeModel } from '../helpers/onnx/decode.js';
import { evaluate } from '../helpers/onnx/evaluate.js';

const scenario = (name: string) => scenarios.find((one) => one.name === name) as Scenario;

/** A model of a scenario in inference whose parameters and running statistics differ from each other everywhere. */
function modelOf({ model }: Scenario): nn.Module {
  const made = model().init(1).eval();
  const parts = [...made.namedParameters(), ...made.namedBuffers()];
  for (const [i, [path, { shape, storage }]] of parts.entries()) {
    if (shape.length > 1) continue;
    // About 1, as a variance has to be.
    const noise = randomValues({ dtype: 'float32', shape }, 1, i + 2) as Float32Array;
    const offset = path.endsWith('bias') || path.endsWith('mean') ? -0.5 : 0.5;
    storage.adopt(noise.map((value) => value + offset));
  }
  return made;
}

async function compare(name: string, form: string, rows: number): Promise<number> {
  const { inputs, ...rest } = scenario(name);
  const model = modelOf({ inputs, ...rest } as Scenario);
  const file = (await onnxFiles({ name, inputs }, model)).get(form) as Uint8Array;
  const read = decodeModel(file);
  const values = randomValues(inputs, rows);
  const run = (fn: (x: Tensor) => Tensor, given: typeof values, shape: readonly number[]) =>
    compile(fn)(tensor(given, { shape: [rows, ...shape] })).then((output) => output.data());
  const ours = await run((x) => model.forward(x), values, inputs.shape);
  const theirs = await run(
    (x) => evaluate(read, x),
    onnxValues(values, inputs.shape),
    onnxShape(inputs.shape),
  );
  expect(theirs).toHaveLength(ours.length);
  const errors = Array.from(ours, (value, i) => Math.abs(value - (theirs[i] as number)));
  return largest(errors) / largest(Array.from(ours, Math.abs));
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);

describe('models in ONNX', () => {
  it.each([
    ['mnist_mlp', 'graph', 3],
    ['mnist_cnn', 'graph', 2],
    ['resnet18', 'graph', 1],
    ['char_gpt', 'products', 2],
    ['char_gpt', 'Attention', 2],
  ] as const)('%s has our outputs (%s)', async (name, form, rows) => {
    expect(await compare(name, form, rows)).toBeLessThan(1e-5);
  });

  it('declare their input with any number of rows, and channels first', async () => {
    const inputOf = async (name: string) => {
      const { inputs } = scenario(name);
      const [file] = (await onnxFiles({ name, inputs }, scenario(name).model().init(1))).values();
      const { input, opset } = decodeModel(file as Uint8Array);
      return { ...input, opset };
    };
    expect(await inputOf('resnet18')).toEqual({
      name: 'x',
      element: 1,
      axes: ['rows', 3, 32, 32],
      opset: 23,
    });
    expect(await inputOf('char_gpt')).toEqual({ name: 'x', element: 7, axes: ['rows', 64], opset: 23 });
  });

  it('are refused where there are none', async () => {
    const { inputs } = scenario('lstm');
    await expect(onnxFiles({ name: 'lstm', inputs }, scenario('lstm').model())).rejects.toThrow(
      'its models are mnist_mlp, mnist_cnn, resnet18, char_gpt',
    );
  });
});

it('messages have the bytes of the documentation of Protocol Buffers', () => {
  const hex = (message: Message) => Buffer.from(message.encode()).toString('hex');
  // https://protobuf.dev/programming-guides/encoding: Test1, Test2 and Test3.
  expect(hex(new Message().int(1, 150))).toBe('089601');
  expect(hex(new Message().text(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(new Message().message(3, new Message().int(1, 150)))).toBe('1a03089601');
  expect(hex(new Message().float(2, 1))).toBe('150000803f');
  expect(() => new Message().int(1, -1)).toThrow('-1');
});

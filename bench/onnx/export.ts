import type { Scenario } from '../../lib/bench/scenario.js';
import { sizeOf } from '../../lib/graph/shapes.js';
import type { nn, Shape } from '../../lib/index.js';
import { OnnxGraph } from './graph.js';
import { onnxModels } from './models.js';
import { permute, Weights } from './weights.js';

/** The axis of the rows in the files. */
export const ROWS = 'rows';

/**
 * The bytes of ONNX files of a scenario's model, for any number of rows, by the form in which they have it.
 *
 * @param model the model that the scenario makes, whose weights the files hold
 * @throws if the model has no counterpart here
 */
export async function onnxFiles(
  { name, inputs }: Pick<Scenario, 'name' | 'inputs'>,
  model: nn.Module,
): Promise<Map<string, Uint8Array>> {
  const forms = onnxModels[name];
  if (!forms) throw new Error(`its models are ${Object.keys(onnxModels).join(', ')}`);
  const files = new Map<string, Uint8Array>();
  for (const [form, write] of Object.entries(forms)) {
    const graph = new OnnxGraph();
    const dtype = inputs.dtype === 'int32' ? 'int64' : 'float32';
    const x = graph.input('x', dtype, [ROWS, ...onnxShape(inputs.shape)]);
    const output = write(graph, await Weights.of(graph, model), x);
    files.set(form, graph.encode(output));
  }
  return files;
}

/** The shape of an example, with the channels of an image first. */
export function onnxShape(shape: Shape): Shape {
  const [height, width, channels] = shape;
  return shape.length === 3 ? [channels as number, height as number, width as number] : shape;
}

/** The values of examples in the order of `onnxShape`. */
export function onnxValues(values: Float32Array | Int32Array, shape: Shape): Float32Array | Int32Array {
  if (values instanceof Int32Array || shape.length !== 3) return values;
  return permute(values, [values.length / sizeOf(shape), ...shape], [0, 3, 1, 2]);
}

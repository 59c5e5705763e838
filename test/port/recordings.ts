import { io, type nn } from 'chainrule';
import type { FileTensor } from '#lib/io/file-dtypes.js';
import { readFixture } from '../helpers/fixtures.js';

type State = Record<string, FileTensor>;
export type ModelName = 'convolutional' | 'perceptron' | 'recurrent' | 'reset_first' | 'transformer' | 'unet';

interface Fixture {
  readonly cases: Readonly<Record<ModelName, { readonly weights: string; readonly activations: string }>>;
  /** Of `convolutional`, recorded in training. */
  readonly training: string;
  /** Of `unet`, by a recorder that keeps no copies. */
  readonly in_place: string;
}

const fixture = readFixture<Fixture>('models_and_arrays/port_check');

/** The bytes of a safetensors file of the fixture. */
const bytesOf = (file: string): Uint8Array => new Uint8Array(Buffer.from(file, 'base64'));

/** The tensors of each file of the fixture. */
const states = new Map<string, State>();
for (const { weights, activations } of Object.values(fixture.cases)) await read(weights, activations);
await read(fixture.training, fixture.in_place);

async function read(...files: readonly string[]): Promise<void> {
  for (const file of files) states.set(file, (await io.readSafetensors(bytesOf(file))).tensors);
}

/** The tensors of a file, which the caller may change. */
const tensorsOf = (file: string): State => structuredClone(states.get(file) ?? {});

/** The bytes of the file of a recorded model's weights, and of what its layers answered. */
export const weightBytesOf = (name: ModelName): Uint8Array => bytesOf(fixture.cases[name].weights);
export const activationBytesOf = (name: ModelName): Uint8Array => bytesOf(fixture.cases[name].activations);

/** The weights of a recorded model, as PyTorch has them. */
export const weightsOf = (name: ModelName): State => tensorsOf(fixture.cases[name].weights);

/** What its layers answered. */
export const activationsOf = (name: ModelName): State => tensorsOf(fixture.cases[name].activations);

/** The same of recorders that did not do as they should. */
export const trainingActivations = (): State => tensorsOf(fixture.training);
export const activationsInPlace = (): State => tensorsOf(fixture.in_place);

/** A tensor of two axes or more with two of them swapped. */
export function swapped({ dtype, shape, data }: FileTensor, a: number, b: number): FileTensor {
  const source = data as Float32Array;
  const axes = shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis));
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((x, y) => x * y, 1));
  const sizes = axes.map((axis) => shape[axis] as number);
  const target = source.map((_, i) => {
    let rest = i;
    let from = 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const size = sizes[axis] as number;
      from += (rest % size) * (strides[axes[axis] as number] as number);
      rest = Math.floor(rest / size);
    }
    return source[from] as number;
  });
  return { dtype, shape: sizes, data: target } as FileTensor;
}

/** A model with some of its parts replaced. */
export function having<M extends nn.Module>(model: M, parts: Partial<M>): M {
  return Object.assign(model, parts);
}

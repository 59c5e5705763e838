import { type Kind, kind } from '../graph/arguments/kind.js';
import * as kinds from '../graph/arguments/kinds.js';
import { needed, optionsOf } from '../graph/arguments/options.js';
import { allocate, isFloat, type TypedArray } from '../graph/dtype.js';
import { formatShape, invalid } from '../graph/errors.js';
import { type InputAttributes, input, type Variable } from '../graph/leaf.js';
import { permutation } from '../graph/random.js';
import { requireShape, type Shape, sizeOf } from '../graph/shapes.js';
import { substitute } from '../graph/substitute.js';
import { Tensor } from '../graph/tensor.js';
import { traced } from '../graph/trace.js';
import { evaluate } from '../runtime/evaluate.js';

/** A shape, and the interval that its numbers are drawn from. */
export interface InputSpec {
  readonly shape: Shape;
  /** Default -2. */
  readonly low?: number;
  /** Default 2. */
  readonly high?: number;
}

export const inputSpec = optionsOf<InputSpec>({
  shape: needed(kinds.shape),
  low: kinds.finite,
  high: kinds.finite,
});

/** The target of a check: a function of tensors, or a layer such as an `nn.Module`. */
export type Checkable =
  | ((...inputs: Tensor[]) => Tensor | readonly Tensor[])
  | {
      forward(...inputs: Tensor[]): Tensor;
      namedParameters(): readonly (readonly [path: string, parameter: Variable])[];
    };

export const checkable: Kind<Checkable> = kind('a function of tensors or a layer', (value) => {
  if (typeof value !== 'object' || value === null) return kinds.callback().accepts(value);
  const { forward, namedParameters } = value as Record<'forward' | 'namedParameters', unknown>;
  return typeof forward === 'function' && typeof namedParameters === 'function';
});

/** One input of the graph under check, and the values at which it is checked. */
export interface Leaf {
  readonly label: string;
  readonly node: Tensor<InputAttributes>;
  readonly values: TypedArray;
}

/** The graph under check. Its gradients are taken with respect to its leaves, which are all inputs. */
export interface Subject {
  readonly leaves: readonly Leaf[];
  readonly outputs: readonly Tensor[];
}

/** True if gradients are taken with respect to a leaf: those of integer and bool leaves are not. */
export function isChecked({ node }: Leaf): boolean {
  return isFloat(node.dtype);
}

/** Traces a function or a layer, with its parameters as further inputs. */
export async function traceSubject(
  target: Checkable,
  inputs: readonly (Tensor | Shape | InputSpec)[],
  seed: number,
): Promise<Subject> {
  const given: Leaf[] = [];
  for (const [i, x] of inputs.entries()) given.push(await leafOf(x, i, seed));
  const layer = typeof target === 'function' ? undefined : target;
  const parameters = (layer?.namedParameters() ?? []).map(([path, variable]) =>
    parameterLeaf(path, variable),
  );
  const fn = typeof target === 'function' ? target : target.forward.bind(target);
  const { result } = traced(() => fn(...given.map(({ node }) => node)));
  const outputs: unknown = result instanceof Tensor ? [result] : result;
  if (!Array.isArray(outputs)) throw invalid('gradcheck', 'the target must return tensors', result);
  for (const output of outputs) {
    if (!(output instanceof Tensor)) throw invalid('gradcheck', 'the target must return tensors', output);
    if (output.dtype !== 'float64') throw invalid('gradcheck', 'the value must be float64', output.dtype);
  }
  const replacements = new Map(
    parameters.map(({ variable, leaf }) => [variable as Tensor, leaf.node as Tensor]),
  );
  return {
    leaves: [...given, ...parameters.map(({ leaf }) => leaf)],
    outputs: substitute(outputs as Tensor[], replacements),
  };
}

async function leafOf(x: Tensor | Shape | InputSpec, index: number, seed: number): Promise<Leaf> {
  const label = `input ${index}`;
  if (x instanceof Tensor) {
    const [given] = (await evaluate([x])) as [TypedArray];
    const values = isFloat(x.dtype) ? Float64Array.from(given) : given;
    const dtype = isFloat(x.dtype) ? 'float64' : x.dtype;
    return { label, node: input(label, x.shape, dtype), values };
  }
  const spec: InputSpec = isShape(x) ? { shape: x } : x;
  const shape = requireShape('gradcheck', spec.shape);
  return { label, node: input(label, shape, 'float64'), values: draw(spec, seed + index) };
}

function isShape(x: unknown): x is Shape {
  return Array.isArray(x);
}

function parameterLeaf(path: string, variable: Variable) {
  if (variable.dtype !== 'float64') {
    throw invalid(
      'gradcheck',
      `${path} must be float64; make the layer with { dtype: 'float64' }`,
      variable.dtype,
    );
  }
  const values = variable.storage.data.slice();
  return { variable, leaf: { label: path, node: input(path, variable.shape, 'float64'), values } };
}

/** Evenly spaced numbers from the interval in random order: all differ, which keeps maxima and kinks apart. */
function draw({ shape, low = -2, high = 2 }: InputSpec, seed: number): TypedArray {
  if (!(low < high))
    throw invalid('gradcheck', `low must be less than high for ${formatShape(shape)}`, [low, high]);
  const size = sizeOf(shape);
  const values = allocate('float64', size);
  permutation(size, seed).forEach((place, i) => {
    // Off the centre of each slot: the centres of an odd number of slots include that of the interval, often 0.
    values[i] = low + ((high - low) * (place + 0.3819660113)) / size;
  });
  return values;
}

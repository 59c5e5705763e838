import { compile, grad, mul, type Shape, sum, type Tensor, tensor } from 'chainrule';
import { expect } from 'vitest';
import { reachable } from '#lib/graph/tensor.js';
import { expectClose } from './close.js';
import type { Plain } from './naive/naive.js';
import { hashUniform, shuffled } from './random-graph/random.js';
import { report } from './report.js';

/** A shape, with the interval that its numbers are drawn from: by default [-2, 2]. */
export interface InputSpec {
  readonly shape: Shape;
  readonly low?: number;
  readonly high?: number;
}

export type Fn = (...inputs: Tensor[]) => Tensor;

export interface CheckOptions {
  /** The value, written naively. */
  readonly reference?: (...inputs: Plain[]) => Plain;
  /** Largest relative error of the value. Default 1e-12. */
  readonly valueTolerance?: number;
  /** True to check the gradient of the gradient as well. Default true. */
  readonly second?: boolean;
  /** True if there are gradients to check. Default true. */
  readonly gradient?: boolean;
  /** An op that must occur in the graph of the result. */
  readonly kind?: string;
  readonly seed?: number;
}

/** Distance between two points of the stencil. Kinks must be further away than two of them. */
const STEP = 2 ** -10;
/** All numbers are multiples of this, so that float32 holds them, and their neighbours in the stencil, exactly. */
const GRID = 2 ** -12;
const TOLERANCE = { relative: 1e-6, floor: 1e-3 };

/**
 * Checks a function in float64: its value against a naive reference; the gradient of a random projection of it
 * against five-point central differences; and the same for a random projection of that gradient.
 *
 * No two numbers of the inputs are equal and none is 0, so that maxima, comparisons and kinks are well apart.
 */
export async function checkOp(
  name: string,
  fn: Fn,
  inputs: readonly (Shape | InputSpec)[],
  options: CheckOptions = {},
): Promise<void> {
  const { reference, valueTolerance = 1e-12, second = true, gradient = true, kind, seed = 1 } = options;
  const specs = inputs.map((input): InputSpec => (isSpec(input) ? input : { shape: input }));
  const values = drawDistinct(specs, seed);
  const value = compile((...args: Tensor[]) => {
    const result = fn(...args);
    if (kind) expect(reachable([result]).map((node) => node.op.kind)).toContain(kind);
    return result;
  });
  const result = await value(...asTensors(specs, values));
  value.release();
  if (reference) {
    const expected = reference(...specs.map(({ shape }, i) => ({ shape, data: values[i] as number[] })));
    expect(result.shape, `${name}: shape`).toEqual(expected.shape);
    const error = expectClose(`${name}: value`, await result.data(), expected.data, {
      relative: valueTolerance,
    });
    report(name, 'value', error);
  }
  if (!gradient) return;
  const projected: Fn = (...args) => project([fn(...args)], seed + 100);
  report(name, 'gradient', await checkGradient(`${name}: gradient`, projected, specs, values));
  if (!second) return;
  const curvature: Fn = (...args) => project(grad(projected(...args), args), seed + 200);
  report(name, 'second', await checkGradient(`${name}: second-order gradient`, curvature, specs, values));
}

/** Relative errors of float32, with room for the sums of an op. */
const SINGLE = { value: { relative: 1e-5, floor: 1 }, gradient: { relative: 1e-4, floor: 1 } };

/**
 * Checks a function in float32 on the inputs of `checkOp`, which float32 holds exactly: its value against the naive
 * reference, and its gradient against the one in float64.
 */
export async function checkInFloat32(
  name: string,
  fn: Fn,
  inputs: readonly (Shape | InputSpec)[],
  { reference, gradient = true, seed = 1 }: CheckOptions = {},
): Promise<void> {
  const specs = inputs.map((input): InputSpec => (isSpec(input) ? input : { shape: input }));
  const values = drawDistinct(specs, seed);
  const run = compile((...args: Tensor[]) => {
    const value = fn(...args);
    return [value, ...(gradient ? grad(project([value], seed + 100), args) : [])];
  });
  const [single, double] = await Promise.all(
    (['float32', 'float64'] as const).map(async (dtype) => {
      const results = await run(...asTensors(specs, values, dtype));
      return Promise.all(results.map((result) => result.data()));
    }),
  );
  run.release();
  const [value, ...gradients] = single as Float32Array[];
  const expected = reference?.(...specs.map(({ shape }, i) => ({ shape, data: values[i] as number[] })));
  if (expected) expectClose(`${name}: value in float32`, value as Float32Array, expected.data, SINGLE.value);
  for (const [i, slope] of gradients.entries()) {
    const exact = double?.[i + 1] as Float64Array;
    expectClose(`${name}: gradient of input ${i} in float32`, slope, exact, SINGLE.gradient);
  }
}

function isSpec(input: Shape | InputSpec): input is InputSpec {
  return !Array.isArray(input);
}

/** Numbers on one grid with a slot for each, in random order and moved a little within their slots. */
function drawDistinct(specs: readonly InputSpec[], seed: number): number[][] {
  const sizes = specs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  // An even number of slots leaves none around the middle, which is 0 by default.
  const count = 2 * Math.ceil(sizes.reduce((a, b) => a + b, 0) / 2);
  const slots = shuffled(count, seed);
  const jitter = hashUniform(count, seed + 1, 0.3, 0.7);
  let next = 0;
  return specs.map(({ low = -2, high = 2 }, i) =>
    Array.from({ length: sizes[i] as number }, () => {
      const place = ((slots[next] as number) + (jitter[next] as number)) / count;
      next++;
      return Math.round((low + (high - low) * place) / GRID) * GRID;
    }),
  );
}

function asTensors(
  specs: readonly InputSpec[],
  values: readonly (readonly number[])[],
  dtype: 'float32' | 'float64' = 'float64',
): Tensor[] {
  return specs.map(({ shape }, i) => tensor(values[i] as number[], { shape, dtype }));
}

function project(outputs: readonly Tensor[], seed: number): Tensor {
  return outputs
    .map((output, i) => {
      const weights = Float64Array.from(hashUniform(output.size, seed + i, 0.5, 1.5), (w, j) =>
        j % 2 ? -w : w,
      );
      return sum(mul(output, tensor(weights, { shape: output.shape, dtype: output.dtype })));
    })
    .reduce((a, b) => a.add(b));
}

/** Compares `grad` of a scalar function with differences of its values; gives the worst relative error. */
async function checkGradient(
  name: string,
  scalar: Fn,
  specs: readonly InputSpec[],
  values: readonly (readonly number[])[],
): Promise<number> {
  let worst = 0;
  const gradients = compile((...args: Tensor[]) => grad(scalar(...args), args));
  const results = await gradients(...asTensors(specs, values));
  gradients.release();
  const evaluate = compile(scalar);
  const unmoved = asTensors(specs, values);
  for (const [i, list] of values.entries()) {
    const input = Float64Array.from(list);
    const { shape } = specs[i] as InputSpec;
    const shifted = async (at: number, by: number) => {
      const moved = input.slice();
      moved[at] = (moved[at] as number) + by;
      return (await evaluate(...unmoved.with(i, tensor(moved, { shape })))).item();
    };
    const numeric: number[] = [];
    for (let at = 0; at < input.length; at++) {
      const near = (await shifted(at, STEP)) - (await shifted(at, -STEP));
      const far = (await shifted(at, 2 * STEP)) - (await shifted(at, -2 * STEP));
      numeric.push((8 * near - far) / (12 * STEP));
    }
    expect(results[i]?.shape, `${name} of input ${i}: shape`).toEqual(shape);
    expect(results[i]?.dtype, `${name} of input ${i}: dtype`).toBe('float64');
    const found = await (results[i] as Tensor).data();
    worst = Math.max(worst, expectClose(`${name} of input ${i}`, found, numeric, TOLERANCE));
  }
  evaluate.release();
  return worst;
}

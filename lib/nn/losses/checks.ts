import { type Kind, kind } from '../../graph/arguments/kind.js';
import { isFloat, type TypedArray } from '../../graph/dtype.js';
import { formatShape, invalid } from '../../graph/errors.js';
import { dtypeFor, type NumberArray } from '../../graph/number-arrays.js';
import { sameShape } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { requireFloat } from '../../ops/primitives/checks.js';
import { cast } from '../../ops/primitives/elementwise.js';
import { shapeHint } from './shape-hint.js';

/** Checks a float output and a target of the same shape. Returns the target, integers cast to the output's dtype. */
export function requireSameShape(
  op: string,
  output: Tensor,
  target: Tensor,
  names: readonly [output: string, target: string] = ['output', 'target'],
): Tensor {
  requireFloat(op, output, `${names[0]} must be float32 or float64`);
  if (!sameShape(output.shape, target.shape)) {
    const shapes = `${formatShape(output.shape)} and ${formatShape(target.shape)}`;
    throw invalid(
      op,
      `${names[0]} and ${names[1]} must have one shape, got ${shapes}${shapeHint(output, target)}`,
    );
  }
  return isFloat(target.dtype) ? target : cast(target, output.dtype);
}

/** Makes a check that every target passes a test, to be run before training. */
export function targetsMust(op: string, rule: string, test: (target: number) => boolean) {
  return (targets: TypedArray): void => {
    const at = targets.findIndex((target) => !test(target));
    if (at >= 0) throw invalid(op, `target at position ${at} must be ${rule}`, targets[at]);
  };
}

/** Factors: a tensor, or an array of numbers, which `requireFactors` checks. */
export const factors: Kind<Tensor | readonly number[] | NumberArray> = kind(
  'a tensor or an array of numbers',
  (value) => value instanceof Tensor || Array.isArray(value) || dtypeFor(value) !== undefined,
);

/** Checks factors given as an array of numbers, typed or not; tensors pass. */
export function requireFactors(op: string, name: string, factors: unknown): void {
  const listed =
    ArrayBuffer.isView(factors) && dtypeFor(factors) ? Array.from(factors as Float32Array) : factors;
  if (Array.isArray(listed) && !listed.every((factor) => factor >= 0 && Number.isFinite(Number(factor)))) {
    throw invalid(op, `${name} must hold finite numbers of at least 0`, factors);
  }
}

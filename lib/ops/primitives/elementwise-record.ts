import { checked } from '../../graph/arguments/checked.js';
import * as kinds from '../../graph/arguments/kinds.js';
import { at } from '../../graph/at.js';
import type { DType } from '../../graph/dtype.js';
import { invalid } from '../../graph/errors.js';
import { filled } from '../../graph/leaf.js';
import type { GradRule, Instruction, Laws, OpRecord } from '../../graph/op.js';
import { broadcastShapes } from '../../graph/shapes.js';
import { Tensor } from '../../graph/tensor.js';
import { expand } from './broadcast.js';
import { requireFloat } from './checks.js';

// Shared by the element-wise ops: the construction of records, and broadcasting of operands to one shape.

/** An operand of an element-wise function: a tensor, or a number that adopts the dtype of the other operand. */
export type Operand = Tensor | number;

export interface Immediate {
  readonly value?: number;
}

/**
 * The record of an instruction that has the op's name; `type` checks the inputs and gives the dtype of the result.
 *
 * @param codeOf the instruction for a dtype of the result, where it is not the op's name
 */
export function elementwise(
  kind: string,
  type: (inputs: readonly Tensor[]) => DType,
  grad: GradRule<Immediate> | null,
  laws: Laws = {},
  codeOf: (dtype: DType) => string = () => kind,
): OpRecord<Immediate> {
  return {
    kind,
    type: (inputs) => ({ shape: at(inputs, 0).shape, dtype: type(inputs) }),
    grad,
    kernel: {
      family: 'map',
      instruction: ({ value }, dtype): Instruction => {
        const code = codeOf(dtype);
        return value === undefined ? { code } : { code, value };
      },
    },
    laws,
    cost: (node) => node.size,
  };
}

export function sameDType(kind: string, inputs: readonly Tensor[]): DType {
  const [first, ...rest] = inputs as [Tensor, ...Tensor[]];
  for (const x of rest) {
    if (x.dtype !== first.dtype) {
      throw invalid(kind, `dtypes differ, ${first.dtype} and ${x.dtype}; cast one of them`);
    }
  }
  return first.dtype;
}

export function floatOnly(kind: string, inputs: readonly Tensor[]): DType {
  const dtype = sameDType(kind, inputs);
  requireFloat(kind, at(inputs, 0));
  return dtype;
}

export function numbers(kind: string, inputs: readonly Tensor[]): DType {
  const dtype = sameDType(kind, inputs);
  if (dtype === 'bool') throw invalid(kind, 'needs numbers; cast the bool first', dtype);
  return dtype;
}

/** An op on floats. */
export const floating = (kind: string, grad: GradRule<Immediate> | null, laws?: Laws) =>
  elementwise(kind, (inputs) => floatOnly(kind, inputs), grad, laws);

/** An op on floats whose kernel evaluates a polynomial or the like instead of one instruction. */
export const transcendental = (kind: string, grad: GradRule<Immediate> | null): OpRecord<Immediate> => ({
  ...floating(kind, grad),
  cost: (node) => 10 * node.size,
});

/** An op on anything but bools. */
export const numeric = (kind: string, grad: GradRule<Immediate> | null, laws?: Laws) =>
  elementwise(kind, (inputs) => numbers(kind, inputs), grad, laws);

/** The instructions for results that may leave the range of an integer dtype, in which they wrap around. */
const suffixes: Partial<Record<DType, string>> = { int32: 'Int32', uint8: 'Uint8' };

/** An op on anything but bools whose integer results wrap around, as in PyTorch; `dtypes` are those that may overflow. */
export const wrapping = (
  kind: string,
  grad: GradRule<Immediate> | null,
  laws?: Laws,
  dtypes: readonly DType[] = ['int32', 'uint8'],
) =>
  elementwise(
    kind,
    (inputs) => numbers(kind, inputs),
    grad,
    laws,
    (dtype) => kind + (dtypes.includes(dtype) ? (suffixes[dtype] ?? '') : ''),
  );

/** Applies an op of one operand, with an immediate number where it has one. */
export function apply1(op: OpRecord<Immediate>, x: Tensor, value?: number): Tensor {
  return new Tensor(op, [x], value === undefined ? {} : { value });
}

/** Applies an op of two operands, broadcast. */
export function apply2(op: OpRecord<Immediate>, a: Operand, b: Operand): Tensor {
  return new Tensor(op, broadcast(op.kind, [a, b]), {});
}

/** An element-wise function of one tensor. */
export type Unary = (x: Tensor) => Tensor;

/** An element-wise function of two operands, broadcast. */
export type Binary = (a: Operand, b: Operand) => Tensor;

/** The public function that applies an op of one operand. */
export function unary(op: OpRecord<Immediate>): Unary {
  return checked(op.kind, { x: kinds.tensor }, (x) => apply1(op, x));
}

/** The public function that applies an op of two operands, of the given names. */
export function binary(op: OpRecord<Immediate>, [a, b]: readonly [string, string] = ['a', 'b']): Binary {
  return checked(op.kind, { [a]: kinds.operand, [b]: kinds.operand }, (left, right) =>
    apply2(op, left, right),
  );
}

/** Turns numbers into constants of the tensors' dtype, and expands all operands to one shape. */
export function broadcast(kind: string, operands: readonly Operand[]): Tensor[] {
  for (const x of operands) {
    if (typeof x !== 'number' && !(x instanceof Tensor)) {
      throw invalid(kind, 'operands must be tensors or numbers', x);
    }
  }
  const like = operands.find((x) => typeof x !== 'number');
  if (!like) throw invalid(kind, 'at least one operand must be a tensor', operands);
  const tensors = operands.map((x) => (typeof x === 'number' ? filled([], x, like.dtype, kind) : x));
  const shape = tensors.map((x) => x.shape).reduce((a, b) => broadcastShapes(kind, a, b));
  return tensors.map((x) => expand(x, shape));
}

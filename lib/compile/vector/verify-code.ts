import { at } from '../../graph/at.js';
import type { Operations } from '../plan/kernels.js';
import type { ProgramInstruction } from '../plan/plan.js';
import { type Code, hasLoop, scalarsOf } from './code.js';

/**
 * Checks that instructions read registers defined before them and that the vector machine has a loop for each, and that
 * results can be stored. A failure is a bug in a pass.
 */
export function verifyCode(code: Code, operations: Operations): void {
  const { operands, instructions, stored, reduced } = code;
  const scalars = scalarsOf(code);
  instructions.forEach((instruction, i) => {
    const { code: name, inputs, value } = instruction;
    const register = operands.length + i;
    for (const input of inputs) {
      if (!(input >= 0 && input < register)) {
        throw new Error(
          `verify: ${name} in register ${register} reads register ${input}, which is not there yet`,
        );
      }
    }
    const isSource = name === 'constant' || name === 'uniform';
    if (isSource !== (value !== undefined) || (isSource && inputs.length > 0)) {
      throw new Error(
        `verify: ${name} in register ${register} must have ${isSource ? 'just a value' : 'no value'}`,
      );
    }
    if (
      !isSource &&
      (operations.get(name)?.arity !== inputs.length || !hasLoop(instruction, scalars, operations))
    ) {
      throw new Error(`verify: the vector machine has no loop for ${name} in register ${register}`);
    }
  });
  for (const result of [...stored, ...reduced]) {
    if (!(result >= 0 && result < scalars.length))
      throw new Error(`verify: result ${result} is not a register`);
    if (scalars[result]) throw new Error(`verify: result ${result} is one element for all`);
    if (stored.length > 0 && result < operands.length) {
      throw new Error(`verify: result ${result} is an operand, which an output may overwrite`);
    }
  }
}

/**
 * Checks that two codes over the same operands compute the same results, once fusions are taken apart, comparisons and
 * powers are written in one way, and copies are looked through.
 */
export function verifySame(before: Code, after: Code, operations: Operations): void {
  const numbers = new Map<string, number>();
  const constants = new Map<number, number>();
  const numberOf = (key: string) => {
    const known = numbers.get(key) ?? numbers.size;
    numbers.set(key, known);
    return known;
  };
  const apply = (name: string, inputs: readonly number[]): number => {
    const [a, b] = inputs as [number, number];
    if (name === 'copy') return a;
    if (name === 'lt' || name === 'le') return apply(name === 'lt' ? 'gt' : 'ge', [b, a]);
    const exponent = name === 'pow' ? constants.get(b) : undefined;
    if (exponent === 1) return a;
    if (exponent === 2) return apply('square', [a]);
    if (exponent === 0.5) return apply('sqrt', [a]);
    if (exponent === -1) return apply('reciprocal', [a]);
    const { fusion, commutes } = operations.get(name) ?? {};
    if (!fusion) return numberOf(`${name} ${commutes ? inputs.toSorted((x, y) => x - y) : inputs}`);
    const { outer, inner, place } = fusion;
    const end = place + (operations.get(inner)?.arity ?? 0);
    const joined = apply(inner, inputs.slice(place, end));
    return apply(outer, [...inputs.slice(0, place), joined, ...inputs.slice(end)]);
  };
  const compute = ({ code, inputs, value }: ProgramInstruction, values: readonly number[]) => {
    if (value === undefined)
      return apply(
        code,
        inputs.map((input) => at(values, input)),
      );
    const number = numberOf(`${code} ${Object.is(value, -0) ? '-0' : value}`);
    if (code === 'constant') constants.set(number, value);
    return number;
  };
  const resultsOf = ({ operands, instructions, stored, reduced }: Code): number[] => {
    const values = operands.map((_, i) => numberOf(`operand ${i}`));
    for (const instruction of instructions) values.push(compute(instruction, values));
    return [...stored, ...reduced].map((result) => at(values, result));
  };
  const [wanted, got] = [resultsOf(before), resultsOf(after)];
  const wrong = wanted.findIndex((value, i) => got[i] !== value);
  if (wrong >= 0 || got.length !== wanted.length) {
    throw new Error(`verify: result ${wrong} of a vector program is not what it was before it was optimised`);
  }
}

import { describe, expect, it } from 'vitest';
import { type Operation, Operations } from '#lib/compile/plan/kernels.js';
import type { Code } from '#lib/compile/vector/code.js';
import { optimise } from '#lib/compile/vector/optimise.js';
import { verifyCode, verifySame } from '#lib/compile/vector/verify-code.js';

/** Loops for all inputs but scalars alone. */
const some = (arity: number) => Array.from({ length: 2 ** arity - 1 }, (_, mask) => mask);
const operation = (code: string, arity: number, more: Partial<Operation> = {}): Operation => ({
  code,
  arity,
  commutes: false,
  loops: some(arity),
  ...more,
});

// A stand-in for the addon's operations: the tests need none of them.
const operations = new Operations([
  operation('copy', 1, { loops: [0, 1] }),
  operation('square', 1),
  operation('sqrt', 1),
  operation('reciprocal', 1),
  operation('exp', 1),
  operation('add', 2, { commutes: true }),
  operation('sub', 2),
  operation('mul', 2, { commutes: true }),
  operation('pow', 2),
  operation('gt', 2),
  operation('mulAdd', 3, { fusion: { outer: 'add', inner: 'mul', place: 0 } }),
  operation('subMul', 3, { fusion: { outer: 'sub', inner: 'mul', place: 1 } }),
  operation('mulAddMul', 4, { fusion: { outer: 'mulAdd', inner: 'mul', place: 2 }, loops: [0, 0b0010] }),
]);

/** `mul 0 1` as an instruction. */
const at = (text: string) => {
  const [code = '', ...inputs] = text.split(' ');
  return { code, inputs: inputs.map(Number) };
};
const constant = (value: number) => ({ code: 'constant', inputs: [], value });

function optimised(
  operands: readonly boolean[],
  instructions: Code['instructions'],
  stored: readonly number[],
) {
  const code = optimise({ operands, instructions, stored, reduced: [] }, operations);
  const text = code.instructions.map(({ code: name, inputs, value }) =>
    [name, ...inputs, ...(value === undefined ? [] : [value])].join(' '),
  );
  return { text, stored: code.stored };
}

const [vector, scalar] = [false, true];

describe('instructions of a vector program', () => {
  it.each([
    [2, ['square 0']],
    [0.5, ['sqrt 0']],
    [-1, ['reciprocal 0']],
    [3, ['constant 3', 'pow 0 1']],
  ])('take a power by %s as it is computed', (exponent, expected) => {
    expect(optimised([vector], [constant(exponent), at('pow 0 1')], [2]).text).toEqual(expected);
  });

  it('drop a power by 1, but copy an operand that an output may overwrite', () => {
    expect(optimised([vector], [constant(1), at('pow 0 1')], [2])).toEqual({ text: ['copy 0'], stored: [1] });
    expect(optimised([vector], [constant(1), at('pow 0 1'), at('exp 2')], [3]).text).toEqual(['exp 0']);
  });

  it('have scalars of commutative operations on the right', () => {
    expect(optimised([vector], [constant(2), at('mul 1 0')], [2]).text).toEqual(['constant 2', 'mul 0 1']);
    expect(optimised([vector], [constant(2), at('sub 1 0')], [2]).text).toEqual(['constant 2', 'sub 1 0']);
  });

  it('mirror comparisons, and expand results that are one element for all', () => {
    expect(optimised([vector, vector], [at('lt 0 1')], [2]).text).toEqual(['gt 1 0']);
    expect(optimised([scalar], [at('exp 0')], [1])).toEqual({ text: ['exp 0', 'copy 1'], stored: [2] });
  });

  it('are joined where one is the only user of another', () => {
    expect(optimised([vector, vector, vector], [at('mul 0 1'), at('add 3 2')], [4]).text).toEqual([
      'mulAdd 0 1 2',
    ]);
    expect(optimised([vector, vector, vector], [at('mul 0 1'), at('add 2 3')], [4, 3]).text).toHaveLength(2);
  });

  it('are joined at either place of a commutative operation, and at the right one of another', () => {
    const operands = [vector, vector, vector];
    expect(optimised(operands, [at('mul 0 1'), at('add 2 3')], [4]).text).toEqual(['mulAdd 0 1 2']);
    expect(optimised(operands, [at('mul 0 1'), at('sub 2 3')], [4]).text).toEqual(['subMul 2 0 1']);
    expect(optimised(operands, [at('mul 0 1'), at('sub 3 2')], [4]).text).toEqual(['mul 0 1', 'sub 3 2']);
  });

  it('are joined only where there is a loop for the scalars among their inputs', () => {
    const sum = [at('mul 0 1'), at('mul 2 3'), at('add 4 5')];
    expect(optimised([vector, vector, vector, vector], sum, [6]).text).toEqual(['mulAddMul 0 1 2 3']);
    expect(optimised([vector, scalar, vector, vector], sum, [6]).text).toEqual(['mulAddMul 0 1 2 3']);
    expect(optimised([vector, vector, vector, scalar], sum, [6]).text).toHaveLength(2);
  });

  it('that nothing needs are dropped', () => {
    expect(optimised([vector], [at('exp 0'), at('square 0')], [2])).toEqual({
      text: ['square 0'],
      stored: [1],
    });
  });
});

describe('the verifier of vector programs', () => {
  const code = (instructions: Code['instructions'], stored: number[], operands = [vector, vector]): Code => ({
    operands,
    instructions,
    stored,
    reduced: [],
  });

  it.each<[string, Code, string]>([
    ['a register that comes later', code([at('add 0 3')], [2]), 'reads register 3'],
    ['an operation that is not there', code([at('tan 0')], [2]), 'no loop for tan'],
    ['a wrong number of inputs', code([at('add 0')], [2]), 'no loop for add'],
    [
      'a loop that is not there',
      code([at('mulAddMul 0 1 0 1')], [2], [scalar, vector]),
      'no loop for mulAddMul',
    ],
    ['an operation with a value', code([{ ...at('add 0 1'), value: 1 }], [2]), 'must have no value'],
    ['a constant without one', code([at('constant')], [0]), 'must have just a value'],
    ['a result that is no register', code([at('add 0 1')], [3]), 'result 3 is not a register'],
    ['a result that is one element for all', code([at('exp 0')], [1], [scalar]), 'one element for all'],
    ['a result that may be overwritten', code([at('add 0 1')], [2, 0]), 'which an output may overwrite'],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => verifyCode(wrong, operations)).toThrow(message);
  });

  it('refuses a fusion that computes something else', () => {
    const before = code([at('mul 0 1'), at('add 2 0')], [3]);
    expect(() => verifySame(before, code([at('mulAdd 0 1 0')], [2]), operations)).not.toThrow();
    expect(() => verifySame(before, code([at('mulAdd 1 0 0')], [2]), operations)).not.toThrow();
    expect(() => verifySame(before, code([at('mulAdd 0 1 1')], [2]), operations)).toThrow('result 0');
    expect(() => verifySame(before, code([at('mulAdd 0 0 1')], [2]), operations)).toThrow('result 0');
  });

  it('refuses a comparison or a power that is rewritten to another', () => {
    const same = (before: Code['instructions'], after: Code['instructions']) => () =>
      verifySame(code(before, [1 + before.length]), code(after, [1 + after.length]), operations);
    expect(same([at('lt 0 1')], [at('gt 1 0')])).not.toThrow();
    expect(same([at('lt 0 1')], [at('gt 0 1')])).toThrow('result 0');
    expect(same([constant(2), at('pow 0 2')], [at('square 0')])).not.toThrow();
    expect(same([constant(3), at('pow 0 2')], [at('square 0')])).toThrow('result 0');
    expect(same([constant(1), at('pow 0 2')], [at('copy 0')])).not.toThrow();
    expect(same([constant(1), at('pow 0 2')], [at('copy 1')])).toThrow('result 0');
  });
});

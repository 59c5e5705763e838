import * as cr from 'chainrule';
import { tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reachable } from '#lib/graph/tensor.js';
import { checkOp } from '../helpers/check-op.js';
import { expectClose } from '../helpers/close.js';
import { type BadCall, expectBadCall } from '../helpers/errors.js';
import { at, build, indices, type Plain } from '../helpers/naive/naive.js';
import { hashUniform } from '../helpers/random-graph/random.js';

/** One loop over all letters; axes of an ellipsis are given as letters. */
function einsumPlain(inputs: readonly string[], output: string, operands: readonly Plain[]): Plain {
  const sizes = new Map<string, number>();
  inputs.forEach((letters, i) => {
    [...letters].forEach((letter, axis) => {
      sizes.set(letter, Math.max(sizes.get(letter) ?? 1, operands[i]?.shape[axis] as number));
    });
  });
  const inner = [...sizes.keys()].filter((letter) => !output.includes(letter));
  const sizeOf = (letters: readonly string[]) => letters.map((letter) => sizes.get(letter) as number);
  return build(sizeOf([...output]), (outer) => {
    let sum = 0;
    for (const index of indices(sizeOf(inner))) {
      const value = (letter: string) =>
        output.includes(letter) ? outer[output.indexOf(letter)] : index[inner.indexOf(letter)];
      sum += operands.reduce(
        (product, x, i) => product * at(x, [...(inputs[i] as string)].map(value) as number[]),
        1,
      );
    }
    return sum;
  });
}

const cases: [equation: string, shapes: cr.Shape[], letters: string, output: string][] = [
  ['ij->ji', [[2, 3]], 'ij', 'ji'],
  ['ij->', [[2, 3]], 'ij', ''],
  ['ij->i', [[2, 3]], 'ij', 'i'],
  ['ii->i', [[3, 3]], 'ii', 'i'],
  ['ii', [[3, 3]], 'ii', ''],
  ['iji->ij', [[2, 3, 2]], 'iji', 'ij'],
  ['iii->', [[2, 2, 2]], 'iii', ''],
  ['ba', [[2, 3]], 'ba', 'ab'],
  ['i,i->', [[4], [4]], 'i,i', ''],
  ['i,j->ij', [[2], [3]], 'i,j', 'ij'],
  [
    'ij,jk->ik',
    [
      [2, 3],
      [3, 4],
    ],
    'ij,jk',
    'ik',
  ],
  [
    'ij,jk',
    [
      [2, 3],
      [3, 4],
    ],
    'ij,jk',
    'ik',
  ],
  [
    'ij,kj->ik',
    [
      [2, 3],
      [4, 3],
    ],
    'ij,kj',
    'ik',
  ],
  [
    'ji,jk->ki',
    [
      [3, 2],
      [3, 4],
    ],
    'ji,jk',
    'ki',
  ],
  [
    'bij,bjk->bik',
    [
      [2, 2, 3],
      [2, 3, 2],
    ],
    'bij,bjk',
    'bik',
  ],
  [
    'bqhd,bkhd->bhqk',
    [
      [2, 2, 1, 3],
      [2, 3, 1, 3],
    ],
    'bqhd,bkhd',
    'bhqk',
  ],
  [
    'ijkl,kl->ij',
    [
      [2, 1, 2, 3],
      [2, 3],
    ],
    'ijkl,kl',
    'ij',
  ],
  [
    'ij,ij->i',
    [
      [2, 3],
      [2, 3],
    ],
    'ij,ij',
    'i',
  ],
  ['ij,k->jk', [[2, 3], [2]], 'ij,k', 'jk'],
  ['i,ij,j->', [[2], [2, 3], [3]], 'i,ij,j', ''],
  [
    'ij,jk,kl->il',
    [
      [2, 3],
      [3, 2],
      [2, 2],
    ],
    'ij,jk,kl',
    'il',
  ],
  [
    'ij,ik,il->jkl',
    [
      [3, 2],
      [3, 1],
      [3, 2],
    ],
    'ij,ik,il',
    'jkl',
  ],
  [
    '...i,...i->...',
    [
      [2, 3],
      [2, 3],
    ],
    'xi,xi',
    'x',
  ],
  [
    '...ij,jk',
    [
      [2, 2, 3],
      [3, 2],
    ],
    'xij,jk',
    'xik',
  ],
  [
    'i...,...->...i',
    [
      [2, 3],
      [2, 1],
    ],
    'ix,yx',
    'yxi',
  ],
  [
    'ij, jk -> ik',
    [
      [2, 1],
      [3, 2],
    ],
    'ij,jk',
    'ik',
  ],
  [',i->i', [[], [3]], ',i', 'i'],
];

describe('einsum', () => {
  it.each(cases)(
    '%s has the value and gradients of its definition',
    async (equation, shapes, letters, output) => {
      const inputs = letters.split(',');
      await checkOp(`einsum ${equation}`, (...xs) => cr.einsum(equation, ...xs), shapes, {
        reference: (...xs) => einsumPlain(inputs, output, xs),
      });
    },
  );

  it('runs on products of matrices, and without copies for attention', () => {
    const [q, k] = [cr.zeros([2, 3, 5, 4]), cr.zeros([2, 3, 6, 4])];
    const scores = cr.einsum('bhqd,bhkd->bhqk', q, k);
    expect(scores.op.kind).toBe('matmul');
    expect(reachable([scores]).map(({ op }) => op.kind)).not.toContain('permute');
  });

  it('agrees with one loop over all letters for random equations', async () => {
    const letters = fc.uniqueArray(fc.constantFrom(...'abcdef'), { minLength: 1, maxLength: 5 });
    const term = letters.chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.array(fc.array(fc.constantFrom(...all), { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        fc.shuffledSubarray(all),
      ),
    );
    const property = fc.asyncProperty(
      term,
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 }),
      fc.nat({ max: 999 }),
      async ([, terms, wanted], sizes, from) => {
        const output = wanted.filter((letter) => terms.some((list) => list.includes(letter)));
        const operands = terms.map((list, i): Plain => {
          const shape = list.map((letter) => sizes['abcdef'.indexOf(letter)] as number);
          return {
            shape,
            data: hashUniform(
              shape.reduce((a, b) => a * b, 1),
              from + i,
              -1,
              1,
            ),
          };
        });
        const names = terms.map((list) => list.join(''));
        const equation = `${names.join(',')}->${output.join('')}`;
        const result = cr.einsum(
          equation,
          ...operands.map(({ shape, data }) => tensor(Float64Array.from(data), { shape })),
        );
        const expected = einsumPlain(names, output.join(''), operands);
        expect(result.shape, equation).toEqual(expected.shape);
        expectClose(equation, await result.data(), expected.data, { relative: 1e-12 });
      },
    );
    await fc.assert(property, { numRuns: 200, seed: 5 });
  });

  const x = cr.zeros([2, 3]);
  const bad: BadCall[] = [
    ['no operand', () => cr.einsum('ij'), 'einsum: at least one operand, got []'],
    [
      'no string',
      () => cr.einsum(x as unknown as string, x),
      'einsum: equation must be a string, got an instance of Tensor',
    ],
    ['two arrows', () => cr.einsum('ij->ji->ij', x), 'einsum: the equation must have one ->, got ij->ji->ij'],
    [
      'another sign',
      () => cr.einsum('i1->i', x),
      "einsum: a term must be letters and at most one ..., in 'i1->i', got i1",
    ],
    [
      'two ellipses',
      () => cr.einsum('...i...', x),
      "einsum: a term must be letters and at most one ..., in '...i...', got ...i...",
    ],
    [
      'another number of operands',
      () => cr.einsum('ij,jk->ik', x),
      "einsum: the equation 'ij,jk->ik' names 2 operands, got 1",
    ],
    [
      'another number of axes',
      () => cr.einsum('ijk->', x),
      "einsum: operand 0 has 2 axes, which 'ijk' does not name",
    ],
    [
      'too few axes for an ellipsis',
      () => cr.einsum('ijk...', x),
      "einsum: operand 0 has 2 axes, which 'ijk...' does not name",
    ],
    ['two lengths', () => cr.einsum('ij,jk->ik', x, x), "einsum: 'j' has lengths 3 and 2"],
    [
      'two lengths of an ellipsis',
      () => cr.einsum('...,...', x, cr.zeros([2])),
      'einsum: an axis of ... has lengths 3 and 2',
    ],
    ['a diagonal of a rectangle', () => cr.einsum('ii', x), "einsum: 'i' has lengths 2 and 3"],
    [
      'a diagonal of a row',
      () => cr.einsum('ii', cr.zeros([1, 3])),
      "einsum: 'i' names axes of one length in an operand of [1,3]",
    ],
    [
      'a new letter',
      () => cr.einsum('ij->ik', x),
      "einsum: the output names 'k', which no operand has, in 'ij->ik'",
    ],
    ['a letter twice', () => cr.einsum('ij->ii', x), "einsum: the output names 'i' twice in 'ij->ii'"],
    [
      'integers',
      () => cr.einsum('i->', tensor(Int32Array.of(1))),
      'einsum: needs float32 or float64; cast it first, got int32',
    ],
    [
      'two dtypes',
      () => cr.einsum('ij,ij->', x, cr.zeros([2, 3], 'float64')),
      'einsum: dtypes differ, float32 and float64; cast one of them',
    ],
  ];
  it.each(bad)('refuses %s', (_, call, message) => expectBadCall(call, message, 'einsum.test.ts'));
});

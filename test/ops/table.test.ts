import { describe, expect, it } from 'vitest';
import { ops } from '#lib/ops/primitives/table.js';
import { attentionCases } from '../helpers/cases/attention.js';
import { elementwiseCases } from '../helpers/cases/elementwise.js';
import { identityCases } from '../helpers/cases/identity.js';
import { imageCases } from '../helpers/cases/images.js';
import { indexingCases } from '../helpers/cases/indexing.js';
import { movementCases } from '../helpers/cases/movement.js';
import { otherCases } from '../helpers/cases/reductions.js';
import { scanCases } from '../helpers/cases/scan.js';
import { shapeCases } from '../helpers/cases/shapes.js';
import { transcendentalCases } from '../helpers/cases/transcendental.js';
import { checkInFloat32, checkOp } from '../helpers/check-op.js';

const cases = {
  ...elementwiseCases,
  ...transcendentalCases,
  ...shapeCases,
  ...movementCases,
  ...imageCases,
  ...indexingCases,
  ...otherCases,
  ...identityCases,
  ...scanCases,
  ...attentionCases,
};

describe('the table of ops', () => {
  it('has a check for every op', () => {
    expect(Object.keys(cases).sort(), 'the checks are in test/helpers/cases').toEqual([...ops.keys()].sort());
  });

  it('has a naive reference for every check, and checks of both orders for every op with a gradient', () => {
    for (const [kind, list] of Object.entries(cases)) {
      expect(list.length, kind).toBeGreaterThan(0);
      for (const { options } of list) expect(options?.reference, kind).toBeTypeOf('function');
      const twice = list.some(({ options }) => options?.gradient !== false && options?.second !== false);
      if (ops.get(kind)?.grad) expect(twice, kind).toBe(true);
    }
  });
});

describe.each(Object.entries(cases))('%s', (kind, list) => {
  const numbered = list.map((entry, i) => {
    const shapes = entry.inputs.map((input) => `[${'shape' in input ? input.shape : input}]`).join(' ');
    return { ...entry, title: `${shapes} (${i + 1})` };
  });
  const what = ops.get(kind)?.grad ? 'value and gradients' : 'value';
  it.each(numbered)(`has the ${what} of its definition for $title`, async ({ fn, inputs, options }) => {
    await checkOp(kind, fn, inputs, { kind, ...options });
  });
  it.each(numbered)(`has the ${what} in float32 for $title`, async ({ fn, inputs, options }) => {
    await checkInFloat32(kind, fn, inputs, options);
  });
});

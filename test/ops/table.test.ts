import { describe, expect, it } from 'vitest';
import { ops } from '#lib/ops/primitives/table.js';
import { cases } from '../helpers/cases/all.js';
import { checkInFloat32, checkOp } from '../helpers/check-op.js';
import { sampled } from '../helpers/long.js';

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
  it.each(sampled(numbered, 2))(`has the ${what} in float32 for $title`, async ({ fn, inputs, options }) => {
    await checkInFloat32(kind, fn, inputs, options);
  });
});

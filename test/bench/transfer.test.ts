import { describe, expect, it } from 'vitest';
import { fullCases, smallCases } from '#bench/transfer/cases.js';
import type { TransferResult } from '#bench/transfer/compare.js';
import { differenceOf, seriesDifference, weightDifference } from '#bench/transfer/differences.js';
import { PyTorchMissing, pytorch } from '#bench/transfer/python.js';
import { transferTable } from '#bench/transfer/table.js';

const weights = (values: Record<string, number[]>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, data]) => [
      name,
      { dtype: 'float32' as const, shape: [data.length], data: Float32Array.from(data) },
    ]),
  );

describe('differences', () => {
  it('are absolute, and in relation to the largest number that is expected', () => {
    expect(differenceOf([1, 2, -5], [1, 2.5, -4])).toEqual({ absolute: 1, relative: 0.25 });
    expect(differenceOf([0.5], [0])).toEqual({ absolute: 0.5, relative: 0.5 });
    expect(differenceOf([], [])).toEqual({ absolute: 0, relative: 0 });
  });

  it('are infinite where something is not a number', () => {
    expect(differenceOf([Number.NaN, 1], [0, 0]).absolute).toBe(Number.POSITIVE_INFINITY);
  });

  it('need as many numbers', () => {
    expect(() => differenceOf([1], [1, 2])).toThrow('1 numbers were found, not 2');
  });

  it('of a series are each in relation to its own number', () => {
    expect(seriesDifference([100, 2], [101, 1])).toBe(1);
    expect(seriesDifference([100], [100, 1])).toBe(Number.POSITIVE_INFINITY);
  });

  it('of weights are in relation to the largest of their layer, and name the tensor', () => {
    const expected = weights({ 'a.weight': [4, -8], 'a.bias': [0], 'b.weight': [1] });
    const found = weights({ 'a.weight': [4, -8], 'a.bias': [2], 'b.weight': [0.875] });
    expect(weightDifference(found, expected)).toEqual({ name: 'a.bias', relative: 0.25 });
    expect(() => weightDifference({}, expected)).toThrow('0 numbers were found, not 2');
  });
});

describe("PyTorch's side", () => {
  const run = (python: string) => pytorch('check', 'nowhere', [], python).next();

  it('says how to install what is missing', async () => {
    await expect(run('no-such-python')).rejects.toThrow(PyTorchMissing);
    await expect(run('no-such-python')).rejects.toThrow(
      'transfer needs Python with PyTorch: python3 -m venv',
    );
  });

  it('that fails is an error', async () => {
    await expect(run(process.execPath)).rejects.toThrow("transfer: PyTorch's side has failed: ");
  });
});

describe('the table', () => {
  it('has the largest differences of each model in Markdown', () => {
    const apart = {
      logits: { absolute: 1.25e-6, relative: 3e-7 },
      losses: 2e-7,
      weights: { name: 'fc.weight', relative: 4e-5 },
    };
    const result: TransferResult = {
      ...{ name: 'lstm', version: '2.13.0', parameters: 12345, tensors: 19, written: 19, same: 19 },
      ...{ of: fullCases.lstm, float32: apart, own: { name: 'fc.weight', relative: 6e-5 } },
      float64: {
        ...apart,
        logits: { absolute: 0, relative: 0 },
        losses: 1e-16,
        weights: { name: '', relative: 0 },
      },
      back: { absolute: 0, relative: 0 },
    };
    const [head, rule, row, damaged] = transferTable([result, { ...result, same: 18 }]).split('\n');
    expect(head?.split('|')).toHaveLength(rule?.split('|').length ?? 0);
    expect(row).toBe(
      '| LSTM | 12,345 | `.safetensors` | 1.3e-6 (3.0e-7) | Adam | 2.0e-7 | 4.0e-5 | 6.0e-5 | 1.0e-16 | all 19 | 0 (0) |',
    );
    expect(damaged).toContain('| 18 of 19, 19 written |');
  });

  it('has the same models as the tests, in other sizes', () => {
    expect(Object.keys(fullCases)).toEqual(Object.keys(smallCases));
  });
});

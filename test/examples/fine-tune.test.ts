import { join } from 'node:path';
import { data, io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { Digits, digitsOf, fineTune } from '#examples/fine-tune.js';
import { useFolder } from '../helpers/folder.js';

const folder = useFolder();

describe('fine-tuning', () => {
  it('teaches new digits to a model of PyTorch, and writes what PyTorch reads', async () => {
    const path = join(folder(), 'tuned.safetensors');
    const lines: string[] = [];
    const { loaded, head, whole, scratch } = await fineTune({ path, log: (line) => lines.push(line) });
    // What PyTorch itself recognises, which examples/data/digits.py has printed.
    expect(loaded).toBeCloseTo(0.9944, 3);
    expect(head).toBeGreaterThan(0.7);
    expect(whole).toBeGreaterThan(head);
    expect(whole).toBeGreaterThan(scratch);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe('loaded from PyTorch: 99.4 % of the digits 0 to 5 are recognised');

    const original = (await io.readTorch('examples/data/digits-0-5.pt')) as Record<string, io.FileTensor>;
    const expected = Object.entries(original).flatMap(([name, { shape }]) => {
      if (name.endsWith('num_batches_tracked')) return [];
      return [[name, name.startsWith('head.') ? [4, ...shape.slice(1)] : shape]];
    });
    const { tensors } = await io.readSafetensors(path);
    const found = Object.entries(tensors).map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  it('leaves a head of another size out where it is asked to, and says so', async () => {
    const load = { layout: 'pytorch', strict: false } as const;
    const report = await new Digits(4).load('examples/data/digits-0-5.pt', load);
    expect(report).toEqual({
      missing: [],
      unexpected: [],
      misshapen: [
        { name: 'head.weight', expected: 'float32[4,576]', found: 'float32[6,576]' },
        { name: 'head.bias', expected: 'float32[4]', found: 'float32[6]' },
      ],
      hints: [],
    });
  });

  it('has samples of some digits, counted from the first of them', () => {
    const pixels = Uint8Array.from({ length: 5 * 4 }, (_, i) => i);
    const all = data.fromArrays(pixels, Int32Array.of(6, 3, 9, 7, 5), { inputs: { shape: [2, 2, 1] } });
    const { inputs, targets } = digitsOf(all, 6, 9);
    expect(inputs.shape).toEqual([2, 2, 1]);
    expect([...inputs.data]).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect([...targets.data]).toEqual([0, 3, 1]);
  });
});

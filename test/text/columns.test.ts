import { expect, it } from 'vitest';
import { columnsOf, padEnd, padStart, shorten, wrap } from '#lib/text/columns.js';

it('counts the columns that characters take', () => {
  expect(['abc', '重み', 'e\u0301', '🙂', ''].map(columnsOf)).toEqual([3, 4, 1, 2, 0]);
  expect(padEnd('重', 4)).toBe('重  ');
  expect(padStart('重', 4)).toBe('  重');
});

it('shortens in the middle, and never cuts a character', () => {
  expect(shorten('encoder.layers.0.weight', 15)).toBe('encoder….weight');
  expect(shorten('short', 5)).toBe('short');
  expect(shorten('重みの名前', 7)).toBe('重み…前');
  expect(shorten('e\u0301'.repeat(9), 4)).toBe('e\u0301e\u0301…e\u0301');
  for (let columns = 1; columns < 30; columns++) {
    for (const text of ['encoder.layers.0.weight', '重みの名前重みの名前', '👩🏽‍🔬'.repeat(9)]) {
      expect(columnsOf(shorten(text, columns))).toBeLessThanOrEqual(columns);
    }
  }
});

it('wraps between words, and leaves long ones whole', () => {
  expect(wrap('a bc def\nghi', 4)).toBe('a bc\ndef\nghi');
  expect(wrap('saved to /a/long/path here', 10)).toBe('saved to\n/a/long/path\nhere');
  expect(wrap('  at x.mjs  12', 8)).toBe('  at\nx.mjs\n12');
  expect(wrap('', 5)).toBe('');
});

import { expect, it } from 'vitest';
import { columnsOf } from '#lib/text/columns.js';
import { table } from '#lib/text/table.js';

const header = ['layer', 'ms', 'share', 'shapes'];
const rows = [
  [
    'encoder.layers.0.attention.query',
    '1.234',
    '12.3 %',
    'float32[32,784] float32[784,512] -> float32[32,512]',
  ],
  ['fc', '0.5', '3.0 %', 'float32[1]'],
];

it('is as wide as its cells where there is room', () => {
  expect(table(header, rows)).toMatchInlineSnapshot(`
    "layer                                ms   share  shapes
    encoder.layers.0.attention.query  1.234  12.3 %  float32[32,784] float32[784,512] -> float32[32,512]
    fc                                  0.5   3.0 %  float32[1]"
  `);
});

it('shortens texts in the middle, the widest first', () => {
  expect(table(header, rows, 70)).toMatchInlineSnapshot(`
    "layer                          ms   share  shapes
    encoder.layer…ention.query  1.234  12.3 %  float32[32,78…at32[32,512]
    fc                            0.5   3.0 %  float32[1]"
  `);
});

it('continues below, with the first column again', () => {
  expect(table(header, rows, 40)).toMatchInlineSnapshot(`
    "layer           ms   share  shapes
    encod…query  1.234  12.3 %  float…,512]
    fc             0.5   3.0 %  float32[1]"
  `);
  expect(table(header, rows, 20)).toMatchInlineSnapshot(`
    "layer             ms
    encode….query  1.234
    fc               0.5

    layer          share
    encode…query  12.3 %
    fc             3.0 %

    layer      shapes
    enco…uery  floa…512]
    fc         floa…2[1]"
  `);
});

it('is never wider than asked, from 20 columns on, and keeps every number', () => {
  const numbers = Array.from({ length: 12 }, (_, i) => `${10 ** i}`);
  const names = ['層'.repeat(40), 'x'.repeat(200), 'a\x1b[2J\n', ''];
  for (let columns = 20; columns <= 150; columns++) {
    const text = table(
      ['name', ...numbers.map((_, i) => `n${i}`)],
      names.map((name) => [name, ...numbers]),
      columns,
    );
    for (const line of text.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    for (const number of numbers) expect(text).toContain(number);
  }
});

it('has no lines without rows', () => {
  expect(table(header, [])).toBe('');
});

import type { Figures } from 'chainrule';
import { expect, it } from 'vitest';
import { progressLine } from '#lib/cli/epoch-bar.js';
import { count, figures, loss, seconds } from '#lib/cli/quantities.js';

const half = {
  epoch: 3,
  step: 50,
  steps: 100,
  examples: 1600,
  examplesPerSecond: 12345.6,
  loss: 0.25,
  eta: 4.2,
};

it('shows what fits into the line, the most important last to go', () => {
  const line = (columns: number) => progressLine(half, 10, columns);
  expect(line(120)).toBe(
    'epoch 3/10  [===============---------------]  50%  12,346 examples/s  loss 0.2500  ETA 4.2 s',
  );
  expect(line(80)).toBe('epoch 3/10  [=========---------]  50%  12,346 examples/s  loss 0.2500  ETA 4.2 s');
  expect(line(60)).toBe('epoch 3/10  50%  12,346 examples/s  loss 0.2500  ETA 4.2 s');
  expect(line(40)).toBe('epoch 3/10  50%  loss 0.2500  ETA 4.2 s');
  expect(line(30)).toBe('epoch 3/10  50%  loss 0.2500');
  expect(line(20)).toBe('3/10  50%  0.2500');
});

it('is never wider than the terminal', () => {
  for (let columns = 20; columns < 150; columns++) {
    for (const steps of [100, Number.NaN]) {
      const line = progressLine({ ...half, steps, step: 123_456, epoch: 1_000 }, 1_000, columns);
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  }
});

it('shows what is known of a stream without a length', () => {
  const stream = { ...half, steps: Number.NaN, eta: Number.NaN };
  expect(progressLine(stream, 2, 80)).toBe('epoch 3/2  step 50  12,346 examples/s  loss 0.2500');
  const first = { ...stream, examplesPerSecond: Number.NaN };
  expect(progressLine(first, 2, 80)).toBe('epoch 3/2  step 50  loss 0.2500');
});

it('has a dash for figures that are not known', () => {
  expect([count(Number.NaN), count(Number.POSITIVE_INFINITY), seconds(Number.NaN), loss(Number.NaN)]).toEqual(
    ['-', '-', '-', '-'],
  );
  expect(figures({ loss: Number.NaN, accuracy: Number.NaN })).toBe('loss -  accuracy -');
  expect(figures({ loss: 1, accuracy: 0.5 }, 'test ')).toBe('test loss 1.0000  test accuracy 50.00 %');
});

it('leaves out tables', () => {
  const tables = { confusion: { shape: [2, 2], data: [1, 2, 3, 4] } };
  expect(figures(Object.assign({ loss: 1 }, { tables }) as unknown as Figures)).toBe('loss 1.0000');
});

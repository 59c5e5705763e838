import { allowanceFor } from './allowance.js';
import type { SweepRow } from './sweep.js';

const PANEL = { width: 300, height: 220, left: 52, bottom: 40, top: 28, gap: 16 } as const;

/**
 * The sweep as an SVG: for each model the measured growth over the budget, dots for trainings and crosses for
 * refusals. The line is the promise, and the band above it the allowance for Node.
 */
export function sweepPicture(rows: readonly SweepRow[]): string {
  const models = [...new Set(rows.map(({ model }) => model))];
  const panels = models.map((model, i) =>
    panelOf(
      model,
      rows.filter((row) => row.model === model && row.workers === rows[0]?.workers),
      i,
    ),
  );
  const width = Math.min(3, models.length) * (PANEL.width + PANEL.gap) + PANEL.gap;
  const height = Math.ceil(models.length / 3) * (PANEL.height + PANEL.gap) + PANEL.gap;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panelOf(model: string, rows: readonly SweepRow[], index: number): string {
  const { width, height, left, bottom, top, gap } = PANEL;
  const origin = { x: gap + (index % 3) * (width + gap), y: gap + Math.floor(index / 3) * (height + gap) };
  const allowance = allowanceFor(rows[0]?.workers ?? 1);
  const most = Math.max(...rows.map(({ budget }) => budget)) * 1.05;
  const highest = most + allowance;
  const x = (bytes: number) => (left + (bytes / most) * (width - left - 8)).toFixed(1);
  const y = (bytes: number) => (height - bottom - (bytes / highest) * (height - bottom - top)).toFixed(1);
  const [start, end] = [`${x(0)},${y(0)}`, `${x(most)},${y(most)}`];
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * roundDown(most));
  return [
    `<g transform="translate(${origin.x},${origin.y})">`,
    `<text x="${left}" y="16" font-weight="bold">${model}</text>`,
    `<polygon points="${start} ${end} ${x(most)},${y(highest)} ${x(0)},${y(allowance)}" fill="#e8eef7"/>`,
    `<polyline points="${start} ${end}" fill="none" stroke="#4a6fa5"/>`,
    `<path d="M${x(0)} ${y(highest)}V${y(0)}H${x(most)}" fill="none" stroke="#888"/>`,
    ...ticks.map(
      (tick) =>
        `<text x="${x(tick)}" y="${height - bottom + 14}" text-anchor="middle">${Math.round(tick / 1e6)}</text>` +
        `<text x="${left - 5}" y="${(Number(y(tick)) + 4).toFixed(1)}" text-anchor="end">` +
        `${Math.round(tick / 1e6)}</text>`,
    ),
    ...rows.map((row) => markOf(row, Number(x(row.budget)), y)),
    `<text x="${(left + width) / 2}" y="${height - 8}" text-anchor="middle">` +
      'budget, MB; upwards: measured growth, MB</text>',
    '</g>',
  ].join('\n');
}

function markOf({ trained, kept }: SweepRow, x: number, y: (bytes: number) => string): string {
  const colour = kept ? '#1b7f3b' : '#c0392b';
  if (!trained) {
    const at = Number(y(0)) - 6;
    return `<path d="M${x - 4} ${at - 4}l8 8m0 -8l-8 8" stroke="${colour}" stroke-width="1.5"/>`;
  }
  return `<circle cx="${x}" cy="${y(trained.grown)}" r="3.5" fill="${colour}"/>`;
}

/** Rounds down to a multiple of half a power of ten. */
function roundDown(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.floor((2 * value) / unit) * (unit / 2);
}

import { percent } from '../text/percent.js';
import type { Figures } from '../train/index.js';

/** What stands for a figure that is not known. */
const UNKNOWN = '-';

/** Formats a whole number with separators, the same in every locale. */
export function count(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : UNKNOWN;
}

/** Formats seconds, below 100 with one decimal. */
export function seconds(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(value < 100 ? 1 : 0)} s` : UNKNOWN;
}

/** Formats a loss, or another figure that is no share, with four decimals. */
export function loss(value: number): string {
  return Number.isNaN(value) ? UNKNOWN : value.toFixed(4);
}

/**
 * Formats figures as `loss 0.1234  accuracy 98.31 %`. `accuracy`, a share from 0 to 1, becomes a percentage, also that of
 * one of several outputs. Tables do not fit in a line, and are left out.
 */
export function figures({ tables, ...numbers }: Figures, prefix = ''): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${prefix}${name} ${formatFigure(name, value)}`)
    .join('  ');
}

function formatFigure(name: string, value: number): string {
  return /^(.*\.)?accuracy$/.test(name) && !Number.isNaN(value) ? percent(value, 2) : loss(value);
}

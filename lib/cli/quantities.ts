import { percent } from '../text/percent.js';

/** Formats a whole number with separators, the same in every locale. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Formats seconds, below 100 with one decimal. */
export function seconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} s`;
}

/** Formats figures as `loss 0.1234  accuracy 98.31 %`. `accuracy`, a share from 0 to 1, becomes a percentage. */
export function figures(values: Readonly<Record<string, number>>, prefix = ''): string {
  return Object.entries(values)
    .map(([name, value]) => `${prefix}${name} ${name === 'accuracy' ? percent(value, 2) : value.toFixed(4)}`)
    .join('  ');
}

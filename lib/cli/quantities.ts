/** A whole number with separators, the same in every locale. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Seconds, with a decimal while they are few. */
export function seconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} s`;
}

/** Figures as `loss 0.1234  accuracy 98.31 %`. A share between 0 and 1 that is called accuracy is a percentage. */
export function figures(values: Readonly<Record<string, number>>, prefix = ''): string {
  return Object.entries(values)
    .map(([name, value]) => `${prefix}${name} ${name === 'accuracy' ? percent(value) : value.toFixed(4)}`)
    .join('  ');
}

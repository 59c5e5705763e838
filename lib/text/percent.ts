/** A share as a percentage: `percent(0.123)` is `'12.3 %'`. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

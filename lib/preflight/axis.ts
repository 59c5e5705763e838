/** Round values from 0 to at most `most`, about `wanted` of them: 1, 2 or 5 times a power of ten apart. */
export function ticks(most: number, wanted: number): number[] {
  if (!(most > 0)) return [0];
  const least = most / wanted;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}

import { appendFileSync } from 'node:fs';

/**
 * Kind of a comparison: with the naive definition, with differences in float64, with PyTorch in float32, or, for random
 * numbers, of their moments with theory or with PyTorch.
 */
export type Comparison = 'value' | 'gradient' | 'second' | 'torchValue' | 'torchGradient' | 'moments';

/**
 * Notes the worst relative error of one check, for the tables in `docs`: a line of JSON in the file that
 * CHAINRULE_REPORT names, where it is set.
 *
 * @param name of the check; its first word is the op, the function or the layer
 * @param error 0 where numbers are exactly the same, and for moments
 */
export function report(name: string, comparison: Comparison, error = 0): void {
  const file = process.env.CHAINRULE_REPORT;
  if (file) appendFileSync(file, `${JSON.stringify({ name: name.split(' ')[0], comparison, error })}\n`);
}

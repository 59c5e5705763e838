import { appendFileSync } from 'node:fs';

/** What a check compared: with the naive definition, with differences in float64, or with PyTorch in float32. */
export type Comparison = 'value' | 'gradient' | 'second' | 'torchValue' | 'torchGradient';

/**
 * Notes the worst relative error of one check, for the tables in `docs`: a line of JSON in the file that
 * CHAINRULE_REPORT names, where it is set.
 *
 * @param name of the check; its first word is the op, the function or the layer
 */
export function report(name: string, comparison: Comparison, error: number): void {
  const file = process.env.CHAINRULE_REPORT;
  if (file) appendFileSync(file, `${JSON.stringify({ name: name.split(' ')[0], comparison, error })}\n`);
}

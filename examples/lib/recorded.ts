import { readFileSync } from 'node:fs';
import { table } from './table.js';

/** Losses of every step of PyTorch's runs: small ones for tests, large ones for the examples' reports. */
export interface RecordedRuns {
  readonly torch: string;
  readonly transformer: { readonly small: readonly number[]; readonly large: readonly number[] };
  readonly lstm: { readonly small: readonly number[]; readonly large: readonly number[] };
  readonly resnet20: { readonly float32: readonly number[]; readonly float64: readonly number[] };
}

/** Reads the runs that `scripts/fixtures/papers.py` recorded. */
export function recordedRuns(): RecordedRuns {
  const file = new URL('../../../test/fixtures/papers.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as RecordedRuns;
}

/** Prints losses beside PyTorch's as a table: the first, and every `every`-th step. */
export async function reportBeside(
  losses: AsyncIterable<number>,
  { recorded, every }: { readonly recorded: readonly number[]; readonly every: number },
): Promise<void> {
  const rows = [['step', 'loss', "PyTorch's", 'difference']];
  const started = performance.now();
  let worst = 0;
  let step = 0;
  for await (const loss of losses) {
    const expected = recorded[step] as number;
    const difference = Math.abs(loss - expected) / expected;
    worst = Math.max(worst, difference);
    step++;
    if (step === 1 || step % every === 0) {
      rows.push([`${step}`, loss.toFixed(5), expected.toFixed(5), difference.toExponential(1)]);
    }
  }
  console.log(table(rows));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `\n${step} steps in ${seconds} s; the largest relative difference is ${worst.toExponential(1)}`,
  );
}

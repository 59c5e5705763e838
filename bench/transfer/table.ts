import { count } from '../../lib/bench/table.js';
import type { TransferResult } from './compare.js';
import type { Difference } from './differences.js';

const titles = [
  'model',
  'parameters',
  'state dict',
  'logits',
  'fine-tuning',
  'losses',
  'weights',
  "PyTorch's own",
  'in float64',
  'same bits',
  'back: logits',
];

/** The first column, and that of words. */
const texts = ['model', 'state dict', 'fine-tuning'];

/** A table in Markdown. */
export function transferTable(results: readonly TransferResult[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = titles.map((title) => (texts.includes(title) ? '---' : '---:'));
  return [titles, rule, ...results.map(cellsOf)].map(line).join('\n');
}

function cellsOf({
  of,
  parameters,
  tensors,
  same,
  written,
  back,
  own,
  float32,
  float64,
}: TransferResult): string[] {
  return [
    of.title,
    count(parameters),
    `\`.${of.suffix}\``,
    both(float32.logits),
    of.tuning,
    short(float32.losses),
    short(float32.weights.relative),
    short(own.relative),
    short(Math.max(float64.logits.relative, float64.losses, float64.weights.relative)),
    same === tensors && same === written ? `all ${tensors}` : `${same} of ${tensors}, ${written} written`,
    both(back),
  ];
}

/** An absolute difference, and the relative one. */
const both = ({ absolute, relative }: Difference): string => `${short(absolute)} (${short(relative)})`;

const short = (value: number): string => (value === 0 ? '0' : value.toExponential(1));

/** The weights that differ most, for each model. */
export function worstWeights(results: readonly TransferResult[]): string {
  const lines = results.map(({ of, float32, float64 }) => {
    const [single, double] = [float32, float64].map(
      ({ weights }) => `${weights.name} (${short(weights.relative)})`,
    );
    return `${of.title}: ${single}; in float64 ${double}`;
  });
  return ['Weights that differ most:', ...lines].join('\n');
}

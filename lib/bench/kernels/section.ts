import { percent } from '../../text/percent.js';
import type { MachineLimits } from '../limits/machine-limits.js';
import { geometricMean } from '../statistics.js';
import { families } from './cases/index.js';
import { type KernelResult, sortByLoss } from './result.js';
import { kernelCells, kernelTextColumns, kernelTitles, limitsLine } from './table.js';

/** What a run tells of a machine. */
export interface KernelReport {
  readonly machine: string;
  readonly limits: readonly MachineLimits[];
  readonly results: readonly KernelResult[];
}

/** Rows of the tables of single kernels. */
const ROWS = 25;

/** A kernel is behind the best of BLAS and PyTorch where it takes this share more. */
const BEHIND = 1.1;

/** Reads the lines that `bench kernels --json` printed. */
export function readReport(text: string): KernelReport {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  const parsed = lines.map((line) => JSON.parse(line));
  const machine: unknown = parsed[0]?.machine;
  if (typeof machine !== 'string') throw new Error('bench kernels: there are no results');
  return {
    machine,
    limits: parsed.flatMap(({ limits }) => limits ?? []),
    results: parsed.filter(({ family }) => family !== undefined),
  };
}

/** The title of a machine's section: its processor and instruction set. */
export function titleOf({ machine, limits, results }: KernelReport): string {
  const [processor] = machine.split(', ');
  const kernels = /\w+ kernels/.exec(machine)?.[0] ?? 'kernels';
  const threads = Math.max(...limits.map((found) => found.threads), ...results.map((one) => one.threads));
  return `${processor}, ${threads === 1 ? '1 core' : `${threads} cores`}, ${kernels}`;
}

/** The section of docs/speed.md: limits, families, and the kernels that lose and lag the most. */
export function kernelSection(report: KernelReport): string {
  const { machine, limits, results } = report;
  const peer = results.find((result) => result.peer)?.peer;
  const lagging = results
    .filter(({ ofBest }) => ofBest !== undefined && BEHIND * ofBest < 1)
    .sort((a, b) => (a.ofBest as number) - (b.ofBest as number));
  return [
    `${machine}${peer ? `, beside ${peer}` : ''}.`,
    ...limits.map(limitsLine),
    familyTable(results),
    `What is lost the most, of ${results.length} kernels:`,
    kernelTable(sortByLoss(results).slice(0, ROWS), peer),
    `More than 10 % behind the better of BLAS and PyTorch: ${lagging.length}${lagging.length > 0 ? '; most of all' : ''}`,
    ...(lagging.length > 0 ? [kernelTable(lagging.slice(0, ROWS), peer)] : []),
  ].join('\n\n');
}

/** Puts a machine's section into the part of a page that holds those of all machines. */
export function withSection(part: string, report: KernelReport): string {
  const heading = `### ${titleOf(report)}\n`;
  const sections = part.split(/^(?=### )/m).filter((section) => section.trim() !== '');
  const others = sections.filter((section) => !section.startsWith(heading));
  return [...others, `${heading}\n${kernelSection(report)}`].map((section) => section.trim()).join('\n\n');
}

function familyTable(results: readonly KernelResult[]): string {
  const head = ['family', 'threads', 'kernels', 'of limit', 'times faster than the best', 'worst'];
  const keyOf = ({ family, threads }: KernelResult) => `${family} ${threads}`;
  const groups = new Map(
    results.map((one) => [keyOf(one), results.filter((two) => keyOf(two) === keyOf(one))]),
  );
  const ordered = [...groups.values()].sort((a, b) => placeOf(a) - placeOf(b));
  const rows = ordered.map((group) => {
    const [first] = group as [KernelResult, ...KernelResult[]];
    const compared = group.flatMap(({ ofBest, kernel }) =>
      ofBest === undefined ? [] : [{ ofBest, kernel }],
    );
    const worst = compared.sort((a, b) => a.ofBest - b.ofBest)[0];
    return [
      first.family,
      String(first.threads),
      String(group.length),
      percent(geometricMean(group.map(({ ofLimit }) => ofLimit))),
      compared.length > 0 ? geometricMean(compared.map(({ ofBest }) => ofBest)).toFixed(2) : '-',
      worst ? `${worst.ofBest.toFixed(2)}: ${worst.kernel}` : '-',
    ];
  });
  return markdown(head, ['family', 'worst'], rows);
}

/** Families come in the order in which they run, each with its numbers of threads. */
function placeOf([first]: readonly KernelResult[]): number {
  return first ? families.indexOf(first.family) + first.threads / 1e6 : 0;
}

function kernelTable(results: readonly KernelResult[], peer: string | undefined): string {
  return markdown(
    kernelTitles(peer),
    kernelTextColumns,
    results.map((result) => kernelCells(result, peer)),
  );
}

function markdown(
  titles: readonly string[],
  texts: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const rule = titles.map((title) => (texts.includes(title) ? '---' : '---:'));
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

import { SingleBar } from 'cli-progress';
import { columnsOf, shorten } from '../text/columns.js';
import type { Progress } from '../train/index.js';
import { count, loss, seconds } from './quantities.js';
import { terminalColumns } from './terminal.js';

/** Widths of the bar itself. */
const [SHORTEST, LONGEST] = [10, 30];

/** Progress bar of an epoch on standard error; hidden if that is not a terminal. */
export class EpochBar {
  #bar: SingleBar | undefined;
  #line = '';

  constructor(private readonly epochs: number) {}

  show(progress: Progress): void {
    if (progress.step === 0 || Number.isNaN(progress.loss)) return;
    this.#line = progressLine(progress, this.epochs, terminalColumns(process.stderr) ?? 80);
    if (this.#bar) {
      this.#bar.update(progress.step);
      return;
    }
    this.#bar = new SingleBar({
      format: () => this.#line,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
    this.#bar.start(Number.MAX_SAFE_INTEGER, progress.step);
  }

  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/** What is known of an epoch under way, as much of it as fits into a line. */
export function progressLine(progress: Progress, epochs: number, columns: number): string {
  const share = progress.step / progress.steps;
  const known = Number.isFinite(share);
  const epoch = `epoch ${progress.epoch}/${epochs}`;
  const done = known ? `${Math.floor(100 * share)}%` : `step ${count(progress.step)}`;
  const pace = Number.isFinite(progress.examplesPerSecond)
    ? [`${count(progress.examplesPerSecond)} examples/s`]
    : [];
  const left = Number.isFinite(progress.eta) ? [`ETA ${seconds(progress.eta)}`] : [];
  const now = `loss ${loss(progress.loss)}`;
  const lines = [
    [epoch, done, ...pace, now, ...left],
    [epoch, done, now, ...left],
    [epoch, done, now],
    [`${progress.epoch}/${epochs}`, done, loss(progress.loss)],
  ].map((parts) => parts.join('  '));
  const room = columns - columnsOf(lines[0] as string) - 4;
  if (known && room >= SHORTEST) {
    const bar = barOf(share, Math.min(room, LONGEST));
    return [epoch, `[${bar}]`, done, ...pace, now, ...left].join('  ');
  }
  return lines.find((line) => columnsOf(line) <= columns) ?? shorten(lines.at(-1) as string, columns);
}

function barOf(share: number, width: number): string {
  const full = Math.min(width, Math.round(share * width));
  return '='.repeat(full) + '-'.repeat(width - full);
}

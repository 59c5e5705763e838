import { columnsOf, padEnd, shorten } from '../text/columns.js';
import { printable } from '../text/printable.js';
import { say, terminalColumns } from './terminal.js';

/** Columns that later rows may take more than the first one. */
const SLACK = 8;

/**
 * A table that is printed row by row, as its figures come in: in Markdown, or, in a terminal that is too narrow for
 * that, one figure below the other.
 */
export class StreamedTable {
  #inRows: boolean | undefined;

  /**
   * @param titles of the columns
   * @param texts titles of columns of text
   */
  constructor(
    private readonly titles: readonly string[],
    private readonly texts: readonly string[],
  ) {}

  print(cells: readonly string[]): void {
    const shown = cells.map(printable);
    const columns = terminalColumns(process.stdout) ?? Number.POSITIVE_INFINITY;
    if (this.#inRows === undefined) {
      const widest = Math.max(...[this.titles, shown].map((line) => columnsOf(lineOf(line))));
      this.#inRows = widest + SLACK <= columns;
      if (this.#inRows) say(this.#head());
    }
    if (this.#inRows) say(lineOf(shown));
    else say(this.#record(shown, columns));
  }

  #head(): string {
    const rule = this.titles.map((title) => (this.texts.includes(title) ? '---|' : '---:|')).join('');
    return `${lineOf(this.titles)}\n|${rule}`;
  }

  #record([name = '', ...figures]: readonly string[], columns: number): string {
    const titles = this.titles.slice(1);
    const [title, figure] = [titles, figures].map((texts) => Math.max(...texts.map(columnsOf))) as [
      number,
      number,
    ];
    const aligned = title + figure + 4 <= columns;
    const lines = titles.map((text, i) => {
      const value = shorten(figures[i] ?? '', columns - 2);
      return aligned ? `  ${padEnd(text, title)}  ${value}` : `  ${text}: ${value}`;
    });
    return [shorten(name, columns), ...lines].join('\n');
  }
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

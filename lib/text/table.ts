import { columnsOf, padEnd, padStart, shorten } from './columns.js';
import { printable } from './printable.js';

/** Width of tables that are not made for a terminal whose width is known. */
export const TABLE_COLUMNS = 120;

/** Spaces between two columns of a table. */
const GAP = 2;

/** A column of text is cut to a quarter of the width, within these limits, before a further block takes the column. */
const [LEAST_TEXT, MOST_LEAST] = [8, 24];

interface Column {
  readonly cells: readonly string[];
  readonly isText: boolean;
  readonly width: number;
}

/**
 * Formats a table with right-aligned numbers. A table without rows is empty. In one that is wider than `columns`, texts
 * are shortened in the middle, and columns that do not fit all the same follow in further blocks, each of which begins
 * with the first column.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  columns = TABLE_COLUMNS,
): string {
  if (rows.length === 0) return '';
  const all = header.map((title, i) => columnOf([title, ...rows.map((row) => row[i] ?? '')]));
  return blocksOf(all, columns)
    .map((block) => linesOf(block, columns).join('\n'))
    .join('\n\n');
}

/** Lines of columns without a header, fitted as `table` does. */
export function rowsOf(rows: readonly (readonly string[])[], columns: number): string {
  const all = (rows[0] ?? []).map((_, i) => columnOf(['', ...rows.map((row) => row[i] ?? '')]));
  return blocksOf(all, columns)
    .map((block) => linesOf(block, columns).slice(1).join('\n'))
    .join('\n\n');
}

function columnOf(cells: readonly string[]): Column {
  const shown = cells.map(printable);
  const width = shown.reduce((most, cell) => Math.max(most, columnsOf(cell)), 0);
  const isText = shown.slice(1).some((cell) => !/^[-+\d.,e]+( %)?$|^-$|^NaN|Infinity$/.test(cell));
  return { cells: shown, isText, width };
}

/** Splits columns into blocks that fit, all but the first of which repeat the first column. */
function blocksOf([first, ...others]: readonly Column[], columns: number): Column[][] {
  if (!first) return [];
  const blocks: Column[][] = [[first]];
  for (const column of others) {
    const block = blocks.at(-1) as Column[];
    if (block.length > 1 && leastWidth([...block, column], columns) > columns) blocks.push([first, column]);
    else block.push(column);
  }
  return blocks;
}

function leastWidth(block: readonly Column[], columns: number): number {
  const least = Math.max(LEAST_TEXT, Math.min(MOST_LEAST, Math.floor(columns / 4)));
  return widthOf(block.map(({ isText, width }) => (isText ? Math.min(width, least) : width)));
}

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

function linesOf(block: readonly Column[], columns: number): string[] {
  const widths = fitted(block, columns);
  return (block[0]?.cells ?? []).map((_, line) =>
    block
      .map(({ cells, isText }, i) => {
        const width = widths[i] ?? 0;
        const cell = shorten(cells[line] ?? '', width);
        return isText ? padEnd(cell, width) : padStart(cell, width);
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** The widths of columns in a line: the widest texts are cut, and numbers only if that is not enough. */
function fitted(block: readonly Column[], columns: number): number[] {
  const cut = (most: number, whom: (column: Column) => boolean) =>
    block.map((column) => (whom(column) ? Math.min(column.width, most) : column.width));
  const widest = Math.min(columns, Math.max(...block.map(({ width }) => width)));
  for (const whom of [({ isText }: Column) => isText, () => true]) {
    for (let most = widest; most > 2; most--) {
      const widths = cut(most, whom);
      if (widthOf(widths) <= columns) return widths;
    }
  }
  return cut(2, () => true);
}

import { at } from '../graph/at.js';

/** Formats a table with right-aligned numbers. A table without rows is empty. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => at(line, column).length)));
  const isText = header.map((_, column) =>
    rows.some((row) => !/^[-+\d.e]+( %)?$|^-$|^NaN|Infinity$/.test(at(row, column))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, i) => (isText[i] ? cell.padEnd(at(widths, i)) : cell.padStart(at(widths, i))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

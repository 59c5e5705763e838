/** Columns are as wide as their widest entry; numbers stand to the right. Nothing for a table without rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const isText = header.map((_, column) =>
    rows.some((row) => !/^[-+\d.e]+( %)?$|^-$|^NaN|Infinity$/.test(row[column] as string)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, i) => (isText[i] ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

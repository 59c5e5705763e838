/** Formats rows of text as right-aligned columns, each as wide as its widest entry. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((entry, column) => entry.padStart(widths[column] as number)).join('  '))
    .join('\n');
}

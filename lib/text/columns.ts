import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter();

/** Number of columns that a text takes in a terminal, where some characters take two and others none. */
export function columnsOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** A text in at most so many columns: a longer one keeps its beginning and its end, around `…`. */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  const characters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  const end = Math.floor((columns - 1) / 2);
  const tail = leading(characters.toReversed(), end).reverse().join('');
  return `${leading(characters, columns - 1 - columnsOf(tail)).join('')}…${tail}`;
}

/** The first characters, as many as fit. */
function leading(characters: readonly string[], columns: number): string[] {
  let taken = 0;
  const found = characters.findIndex((character) => {
    taken += columnsOf(character);
    return taken > columns;
  });
  return characters.slice(0, found < 0 ? undefined : found);
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - columnsOf(text))) + text;
}

/** Breaks the lines of a text between words; a word that is longer than a line, as a path may be, stays whole. */
export function wrap(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => (columnsOf(line) <= columns ? line : wrapLine(line, columns)))
    .join('\n');
}

function wrapLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = /^ */.exec(line)?.[0] ?? '';
  let empty = true;
  for (const [, gap = '', word = ''] of line.trimStart().matchAll(/( *)([^ ]+)/g)) {
    const longer = current + (empty ? '' : gap) + word;
    if (empty || columnsOf(longer) <= columns) current = longer;
    else {
      lines.push(current);
      current = word;
    }
    empty = false;
  }
  return [...lines, current];
}

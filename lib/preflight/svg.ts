/** A tag of SVG with its attributes and what it holds. Numbers have two decimals: a hundredth of a pixel. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: readonly string[]
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const start = `<${name}${written.join('')}`;
  return content.length === 0 ? `${start}/>` : `${start}>${content.join('')}</${name}>`;
}

/** A text at a place. */
export function text(
  x: number,
  y: number,
  content: string,
  attributes: Readonly<Record<string, string | number>> = {},
): string {
  return tag('text', { x, y, ...attributes }, escaped(content));
}

/** What is shown while the pointer rests on a shape. */
export function tooltip(content: string): string {
  return tag('title', {}, escaped(content));
}

/** A number with at most two decimals. */
export function digits(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Text in which nothing is markup. */
export function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function attribute(value: string | number): string {
  return typeof value === 'number' ? digits(value) : escaped(value);
}

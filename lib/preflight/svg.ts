/** An SVG element with attributes and content. Numbers have two decimals: a hundredth of a pixel. */
export function tag(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: readonly string[]
): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const start = `<${name}${written.join('')}`;
  return content.length === 0 ? `${start}/>` : `${start}>${content.join('')}</${name}>`;
}

/** A text element at a position. */
export function text(
  x: number,
  y: number,
  content: string,
  attributes: Readonly<Record<string, string | number>> = {},
): string {
  return tag('text', { x, y, ...attributes }, escaped(content));
}

/** The tooltip of a shape. */
export function tooltip(content: string): string {
  return tag('title', {}, escaped(content));
}

/** Formats a number with at most two decimals. */
export function digits(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Escapes markup. */
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

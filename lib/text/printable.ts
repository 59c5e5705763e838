/**
 * Characters without a picture of their own: controls, with which a text could drive a terminal, separators of lines,
 * lone surrogates, and what is invisible or turns the direction of writing.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same, but for the ends of lines. */
const UNPRINTABLE_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text that may be shown in a line of a terminal, where `\x1b` stands for an escape character. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** A text of several lines that may be shown in a terminal. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE_IN_LINES, escaped);
}

/** One line of JSON whose strings may be shown in a terminal, and are read as they were. */
export function printableJson(value: unknown): string {
  const inJson = (character: string) => character.split('').map(unit).join('');
  return JSON.stringify(value).replace(UNPRINTABLE, inJson);
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return short[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unit(character));
}

function unit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

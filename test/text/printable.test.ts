import { ChainruleError } from 'chainrule';
import { expect, it } from 'vitest';
import { invalid, withNote } from '#lib/graph/errors.js';
import { printable, printableJson, printableLines } from '#lib/text/printable.js';

/** One of each kind: C0, DEL, C1, bidi marks, overrides and isolates, separators, zero width, tags, a lone surrogate. */
const hostile =
  '\0\x07\x1b\x7f\x85\x9b\u061c\u200b\u200e\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\u{e0041}\ud800';

it('escapes every character that has no picture', () => {
  expect(printable(hostile)).toBe(
    '\\x00\\x07\\x1b\\x7f\\x85\\x9b\\u061c\\u200b\\u200e\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069\\ufeff\\u{e0041}\\ud800',
  );
  expect(printable('a\r\n\tb')).toBe('a\\r\\n\\tb');
  for (let code = 0; code < 0x20; code++) expect(printable(String.fromCharCode(code))).toMatch(/^[\\ -~]+$/);
});

it('leaves what people write', () => {
  for (const text of ['encoder.fc1', 'C:\\models', 'müde', '重み', 'עברית', '𝛼', '🙂', ''])
    expect(printable(text)).toBe(text);
});

it('keeps the ends of lines where there are several', () => {
  expect(printableLines('a\nb\r\x1b')).toBe('a\nb\\r\\x1b');
});

it('writes JSON that is read as it was', () => {
  const text = printableJson({ [hostile]: hostile });
  expect(text).toMatch(/^[ -~]+$/);
  expect(JSON.parse(text)).toEqual({ [hostile]: hostile });
});

it('holds for the messages of all errors', () => {
  const error = withNote(invalid(`file${hostile}`, `rule${hostile}`, `value\n${hostile}`), `note${hostile}`);
  for (const text of [error.message, new ChainruleError('op', 'rule', hostile).message]) {
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
  expect(error.received).toBe(`value\n${hostile}`);
  expect(error.stack?.split('\n')[0]).toBe(`ChainruleError: ${error.message}`);
});

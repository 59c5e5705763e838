import { invalid } from '../../graph/errors.js';

/** A value of Python that consists of strings, integers, booleans, None, tuples, lists and dicts. */
export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>;

/** The nesting that arrays of arrays of structures have is less. */
const MOST_DEPTH = 32;

/**
 * Reads the text of a Python literal. Nothing is ever run: what is not such a literal is refused.
 *
 * @param source what errors begin with
 */
export function parseLiteral(source: string, text: string): Literal {
  const parser = new Parser(source, text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #source: string;
  readonly #text: string;
  #at = 0;

  constructor(source: string, text: string) {
    this.#source = source;
    this.#text = text;
  }

  value(depth: number): Literal {
    if (depth === MOST_DEPTH) throw this.#error(`must not be nested in more than ${MOST_DEPTH} levels`);
    this.#skipSpace();
    if (this.#take('{')) return this.#dict(depth + 1);
    if (this.#take('(')) return this.#tuple(depth + 1);
    if (this.#take('[')) {
      const items: Literal[] = [];
      this.#list(']', () => items.push(this.value(depth + 1)));
      return items;
    }
    const string = this.#match(/'([^'\\\n]*)'|"([^"\\\n]*)"/y);
    if (string) return string[1] ?? (string[2] as string);
    const number = this.#match(/(-?\d{1,20})L?(?![\w.])/y);
    if (number) return Number(number[1]);
    const word = this.#match(/(True|False|None)(?!\w)/y)?.[1];
    if (word !== undefined) return word === 'None' ? null : word === 'True';
    throw this.#error('must be a string, an integer, True, False, None, a tuple, a list or a dict');
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('must end');
  }

  #dict(depth: number): ReadonlyMap<string, Literal> {
    const entries = new Map<string, Literal>();
    this.#list('}', () => {
      const key = this.value(depth);
      if (typeof key !== 'string') throw this.#error('must have strings as keys');
      if (entries.has(key)) throw this.#error(`must have the key ${key} once`);
      this.#skipSpace();
      if (!this.#take(':')) throw this.#error("must have ':'");
      entries.set(key, this.value(depth));
    });
    return entries;
  }

  /** A tuple, or one value in parentheses. */
  #tuple(depth: number): Literal {
    const items: Literal[] = [];
    const endsWithComma = this.#list(')', () => items.push(this.value(depth)));
    return items.length === 1 && !endsWithComma ? (items[0] as Literal) : items;
  }

  /** Reads items with commas between them up to the closing bracket; true if a comma stands before that. */
  #list(close: string, item: () => void): boolean {
    for (let isFirst = true; ; isFirst = false) {
      this.#skipSpace();
      if (this.#take(close)) return !isFirst;
      item();
      this.#skipSpace();
      if (this.#take(close)) return false;
      if (!this.#take(',')) throw this.#error(`must have ',' or '${close}'`);
    }
  }

  #skipSpace(): void {
    this.#match(/[ \t\n\r]*/y);
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found ?? undefined;
  }

  #error(rule: string) {
    const next = this.#text.slice(this.#at, this.#at + 20);
    return invalid(
      this.#source,
      `the header ${rule} at character ${this.#at}`,
      next === '' ? 'its end' : next,
    );
  }
}

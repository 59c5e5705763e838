import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../runtime/package-root.js';
import { columnsOf } from '../text/columns.js';
import { printable } from '../text/printable.js';

/** Where in the user's code something went wrong. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; undefined if only the line is known. */
  readonly column: number | undefined;
}

/** Files of a program that are looked at for an error of syntax. */
const MOST_FILES = 50;

/** Places of errors whose stacks do not tell them. */
const found = new WeakMap<SyntaxError, Place>();

/** The place in the user's code where an error, or one behind it, was thrown; undefined if it came from elsewhere. */
export function placeOf(error: unknown): Place | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = String(error.stack);
  const own = error instanceof SyntaxError ? (found.get(error) ?? headOf(stack)) : undefined;
  return own ?? placeIn(stack) ?? placeOf(error.cause);
}

/**
 * Finds where a file, or one that it imports, breaks the syntax, if its error does not say so. Node.js only tells when it
 * is asked to check a file, and checks one at a time.
 */
export async function findPlace(error: SyntaxError, path: string): Promise<void> {
  if (placeOf(error)) return;
  const files = new Set([path]);
  for (const file of files) {
    const place = headOf(await checkSyntax(file));
    if (place) {
      found.set(error, place);
      return;
    }
    for (const imported of importsOf(file)) if (files.size < MOST_FILES) files.add(imported);
  }
}

/** The line of code at a place; empty if it cannot be read. */
export function lineAt({ file, line }: Place): string {
  return (textOf(file).split('\n')[line - 1] ?? '').trimEnd();
}

/** The place and its line of code, with a mark below, within so many columns. */
export function excerptOf(place: Place, columns: number): string {
  const { file, line, column } = place;
  const shown = relative(process.cwd(), file);
  const head = `  at ${shown.startsWith('..') ? file : shown}:${line}${column === undefined ? '' : `:${column}`}`;
  const code = lineAt(place).replaceAll('\t', ' ');
  const room = columns - INDENT.length;
  const at = (column ?? 1) - 1;
  const indented = code.length - code.trimStart().length;
  // Of a long line, the part around the mark.
  const begin = code.length - indented <= room ? indented : Math.max(indented, at - Math.floor(room / 2));
  const part = printable(code.slice(begin, begin + room));
  if (part === '') return head;
  const mark = ' '.repeat(columnsOf(printable(code.slice(begin, Math.max(begin, at)))));
  return `${head}\n${INDENT}${part}${column === undefined ? '' : `\n${INDENT}${mark}^`}`;
}

const INDENT = '    ';

/** The first place in a stack that is not of Node.js, this package or an installed one. */
function placeIn(stack: string): Place | undefined {
  for (const line of stack.split('\n')) {
    const [, where = '', row, column] = /^ +at (?:.*\(|async )?(.+?):(\d+):(\d+)\)?$/.exec(line) ?? [];
    const file = pathOf(where);
    if (file !== undefined && isUsers(file)) return { file, line: Number(row), column: Number(column) };
  }
  return undefined;
}

/** The place that a report of an error of syntax begins with. */
function headOf(report: string): Place | undefined {
  const [, where = '', row, indent] = /^(\S.*):(\d+)\n(?:.*\n([ \t]*)\^)?/m.exec(report) ?? [];
  const file = pathOf(where);
  if (file === undefined) return undefined;
  return { file, line: Number(row), column: indent === undefined ? undefined : indent.length + 1 };
}

function isUsers(file: string): boolean {
  // With source maps, stacks name the sources.
  const library = ['dist/lib/', 'lib/'].map((folder) => fileURLToPath(new URL(folder, packageRoot)));
  return !library.some((folder) => file.startsWith(folder)) && !file.includes('node_modules');
}

function pathOf(where: string): string | undefined {
  if (where.startsWith('file:')) return fileURLToPath(where);
  return /^(\/|[A-Za-z]:\\)/.test(where) ? where : undefined;
}

function checkSyntax(file: string): Promise<string> {
  return new Promise((done) => {
    execFile(process.execPath, ['--check', file], (_error, _stdout, stderr) => done(stderr));
  });
}

/** The files that a file imports by a relative path. */
function importsOf(file: string): string[] {
  const imports = textOf(file).matchAll(/(?:from|import|require)\s*\(?\s*['"](\.[^'"]+)['"]/g);
  return Array.from(imports, ([, path = '']) => resolve(dirname(file), path));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

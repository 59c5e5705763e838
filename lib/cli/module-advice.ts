import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { inspect } from 'node:util';
import { messageOf } from '../graph/errors.js';
import { lineAt, placeOf } from './error-place.js';

const typescript = ['.ts', '.mts', '.cts', '.tsx'];

const NO_WORDS = 'an error without a message';

/** The message of whatever was thrown; never empty. */
export function wordsOf(error: unknown): string {
  const isObject = typeof error === 'object' && error !== null && !(error instanceof Error);
  return (
    (isObject ? inspect(error, { breakLength: Number.POSITIVE_INFINITY }) : messageOf(error)) || NO_WORDS
  );
}

/** The words of an error of an import, and what to do about it. */
export function adviceOn(error: unknown, path: string): string {
  const message = wordsOf(error);
  const extension = extname(path);
  const noModule = `a training module is a file of JavaScript, as .mjs or .js, got ${basename(path)}`;
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      if (/^\.[cm]?[jt]sx?$/.test(extension)) return `${message}: ${aboutTypescript(extension)}`;
      return noModule;
    case 'ERR_IMPORT_ATTRIBUTE_MISSING':
    case 'ERR_IMPORT_ASSERTION_TYPE_MISSING':
      return extension === '.json' ? noModule : message;
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return `${message}: the package tsx can do it: ${tsx()}`;
    case 'ERR_MODULE_NOT_FOUND':
    case 'MODULE_NOT_FOUND':
      return `${message}: is it installed, and does its path end with the extension?`;
  }
  const other = error instanceof SyntaxError ? readAsCommonJs(error) : undefined;
  return other === undefined ? message : `${message}: ${other}`;
}

function aboutTypescript(extension: string): string {
  const version = `Node.js ${process.versions.node}`;
  if (extension === '.tsx') return `Node.js does not read JSX, the package tsx does: ${tsx()}`;
  const who = typescript.includes(extension) ? `${version} does not read TypeScript` : 'for TypeScript';
  return `${who}, use Node.js 22.18 or later, or the package tsx: ${tsx()}`;
}

/** How this program is run with the loader of the package tsx. */
function tsx(): string {
  const [, program = 'chainrule', ...given] = process.argv;
  const path = relative(process.cwd(), program);
  return ['node --import tsx', path.startsWith('..') ? program : path, ...given].join(' ');
}

/** What to do if a file with `import` or `export` is read as CommonJS, where these are errors of syntax. */
function readAsCommonJs(error: SyntaxError): string | undefined {
  const place = placeOf(error);
  if (!place || !/^\s*(import|export)\b/.test(lineAt(place))) return undefined;
  const extension = extname(place.file);
  if (['.mjs', '.mts'].includes(extension)) return undefined;
  const named = ['.cjs', '.cts'].includes(extension);
  if (!named && packageType(dirname(place.file)) === 'module') return undefined;
  const name = basename(place.file, extension);
  const renamed = `name it ${name}.${typescript.includes(extension) ? 'mts' : 'mjs'}`;
  const declared = named ? '' : ', or say "type": "module" in its package.json';
  return `Node.js reads ${basename(place.file)} as CommonJS; for import and export, ${renamed}${declared}`;
}

/** The `type` of the package that a directory belongs to. */
function packageType(directory: string): unknown {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).type;
  } catch {
    const above = dirname(directory);
    return above === directory ? undefined : packageType(above);
  }
}

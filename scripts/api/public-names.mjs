// The public names of the package, as its modules export them at run time and its declaration files describe them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../setup/run.mjs';

/**
 * One public name.
 * @typedef {object} PublicName
 * @property {string} path as users write it: `conv2d`, `nn.Conv2d`, `nn.init.uniform`
 * @property {string} name the last part of the path
 * @property {'function' | 'class' | 'value'} kind
 * @property {string} module the file that declares it, below `lib`, without its extension: `nn/layers/conv`
 * @property {string} signature the name with its parameters
 * @property {string} summary the first sentence of its docstring, empty where there is none
 */

const lib = join(root, 'dist/lib');

/** All public names, module by module. @returns {Promise<PublicName[]>} */
export async function publicNames() {
  const modules = await loadModules();
  const entries = listExports(await load('index'), '');
  // A function may be public under two paths; it is listed under the shorter one.
  const paths = new Map();
  for (const [path, value] of entries.sort(([a], [b]) => a.length - b.length)) {
    if (!paths.has(value)) paths.set(value, path);
  }
  const checked = await load('graph/arguments/checked');
  const signatureOf = /** @type {SignatureOf} */ (checked.signatureOf);
  const names = [...paths].map(([value, path]) => describe(path, value, modules, signatureOf));
  return names.sort((a, b) => compare(a.module, b.module) || compare(a.path, b.path));
}

/** @typedef {{ name: string, exports: Record<string, unknown>, declarations: string }} Module */

/** @returns {Promise<Module[]>} */
async function loadModules() {
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.d.ts') && !/^cli\/|worker\.d\.ts$/.test(file))
    .map((file) => file.slice(0, -'.d.ts'.length));
  return Promise.all(
    files.sort().map(async (name) => ({
      name,
      exports: await load(name),
      declarations: readFileSync(join(lib, `${name}.d.ts`), 'utf8'),
    })),
  );
}

/** @param {string} name @returns {Promise<Record<string, unknown>>} */
function load(name) {
  return import(pathToFileURL(join(lib, `${name}.js`)).href);
}

/** @param {Record<string, unknown>} exports @param {string} prefix @returns {[path: string, value: unknown][]} */
function listExports(exports, prefix) {
  return Object.entries(exports).flatMap(([name, value]) =>
    isNamespace(value) ? listExports(value, `${prefix}${name}.`) : [[prefix + name, value]],
  );
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isNamespace(value) {
  return typeof value === 'object' && value !== null && Reflect.get(value, Symbol.toStringTag) === 'Module';
}

/** @typedef {{ rest?: true, accepts(value: unknown): boolean }} Parameter */
/** @typedef {(fn: object) => { parameters: Record<string, Parameter> } | undefined} SignatureOf */

/**
 * @param {string} path @param {unknown} value @param {Module[]} modules @param {SignatureOf} signatureOf
 * @returns {PublicName}
 */
function describe(path, value, modules, signatureOf) {
  const name = path.slice(path.lastIndexOf('.') + 1);
  for (const module of modules) {
    if (module.exports[name] !== value) continue;
    const declaration = findDeclaration(module.declarations, name);
    if (!declaration) continue;
    const kind = declaration.kind === 'class' ? 'class' : typeof value === 'function' ? 'function' : 'value';
    const parameters =
      kind === 'value'
        ? ''
        : `(${checkedParameters(value, signatureOf) ?? parametersOf(declaration, value)})`;
    const signature = `${kind === 'class' ? 'new ' : ''}${path}${parameters}`;
    return {
      path,
      name,
      kind,
      module: module.name,
      signature,
      summary: firstSentence(declaration.docstring),
    };
  }
  throw new Error(`api: no module of lib declares ${path}`);
}

/** @typedef {{ kind: string, docstring: string, text: string }} Declaration */

/** @param {string} source @param {string} name @returns {Declaration | undefined} */
function findDeclaration(source, name) {
  // A name that a global has, such as isNaN, is declared under a different one.
  const local = new RegExp(`\\b(\\w+) as ${name}\\b`).exec(source)?.[1] ?? name;
  const pattern = new RegExp(
    `^(?:export )?declare (?:abstract )?(function|class|const|let) ${local}\\b`,
    'm',
  );
  const match = pattern.exec(source);
  if (!match) return undefined;
  const before = source.slice(0, match.index).trimEnd();
  const docstring = before.endsWith('*/') ? before.slice(before.lastIndexOf('/**')) : '';
  const end = source.slice(match.index).search(/\n(?=export |declare |\/\*\*)/);
  const text = source.slice(match.index, end < 0 ? undefined : match.index + end);
  return { kind: match[1] ?? '', docstring, text };
}

/**
 * The parameters of a function whose arguments are checked, as they were declared.
 * @param {unknown} value @param {SignatureOf} signatureOf
 */
function checkedParameters(value, signatureOf) {
  const signature = typeof value === 'function' ? signatureOf(value) : undefined;
  if (!signature) return undefined;
  return Object.entries(signature.parameters)
    .map(([name, kind]) => {
      if (kind.rest) return `...${name}`;
      return kind.accepts(undefined) ? `${name}?` : name;
    })
    .join(', ');
}

/**
 * The names of the parameters; an options object is called `options`. A constant's type may be declared elsewhere, so
 * its own source is read.
 * @param {Declaration} declaration @param {unknown} value
 */
function parametersOf({ kind, text }, value) {
  const source = kind === 'const' ? String(value) : text;
  const start = kind === 'class' ? source.indexOf('constructor(') : 0;
  const open = start < 0 ? -1 : source.indexOf('(', start);
  if (open < 0) return '';
  return splitTopLevel(source.slice(open + 1))
    .map((parameter) => {
      if (parameter.startsWith('{')) return /=\s*\{\}$|\?:/.test(parameter) ? 'options?' : 'options';
      const name = /^[.\w]+\??/.exec(parameter)?.[0] ?? '';
      return parameter.includes(' = ') && !name.endsWith('?') ? `${name}?` : name;
    })
    .filter((parameter) => parameter !== '' && parameter !== '...surplus')
    .join(', ');
}

/** The text up to the closing bracket, split at the commas that are in no other bracket. @param {string} text */
function splitTopLevel(text) {
  const parts = [''];
  let depth = 0;
  for (const [i, character] of [...text].entries()) {
    if (')]}'.includes(character) && depth-- === 0) break;
    if ('([{'.includes(character)) depth++;
    if (character === '<') depth++;
    if (character === '>' && text[i - 1] !== '=') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts.map((part) => part.replace(/\/\*[\s\S]*?\*\//g, '').trim());
}

/** @param {string} docstring */
function firstSentence(docstring) {
  const text = docstring
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join('\n')
    .trim()
    .split('\n\n', 1)
    .join()
    .replace(/\s+/g, ' ')
    .split(' @')[0]
    ?.trim();
  // A sentence ends at a full stop before a capital; not at one within a number, nor after "e.g" and the like.
  return (/^.*?(?<!\b(?:e\.g|i\.e|al|vs)|\.)[.:](?= [A-Z`]|$)/.exec(text ?? '')?.[0] ?? text ?? '').replace(
    /:$/,
    '.',
  );
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { chainrule } from '../helpers/command-line.js';
import { useFolder } from '../helpers/folder.js';
import { LONG, sampled } from '../helpers/long.js';

const folder = useFolder();

/** What `chainrule train` says of the first of some files, in their folder. */
async function complaint(files: Readonly<Record<string, string>>, options: { columns?: number } = {}) {
  const cwd = folder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  const { code, stdout, stderr } = await chainrule(['train', Object.keys(files)[0] as string], {
    cwd,
    ...options,
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  return stderr.replace(/^warning: .*\n/gm, '').trimEnd();
}

it('an error of syntax is shown with its place', async () => {
  expect(await complaint({ 'm.mjs': 'const a = 1;\n\tconst b = ;\n' })).toBe(
    "train: m.mjs: Unexpected token ';'\n  at m.mjs:2:12\n    const b = ;\n              ^",
  );
});

it('and so is one in a file that it imports', async () => {
  const files = {
    'm.mjs': 'import "./lib/a.mjs";',
    'lib/a.mjs': 'import "./b.mjs";',
    'lib/b.mjs': '\nlet let = 1;',
  };
  expect(await complaint(files)).toMatch(/\n {2}at lib\/b\.mjs:2:5\n {4}let let = 1;\n {8}\^$/);
});

it('an import of a name that is not there is shown with its place', async () => {
  const said = await complaint({ 'm.mjs': 'import { foo } from "node:fs";' });
  expect(said).toMatch(/an export named 'foo'\n {2}at m\.mjs:1:10\n/);
});

it('an error that is thrown is shown with the line of the file that threw it', async () => {
  const text = 'function f() {\n  throw new Error("boom");\n}\nf();\n';
  expect(await complaint({ 'm.mjs': text })).toBe(
    'train: m.mjs: boom\n  at m.mjs:2:9\n    throw new Error("boom");\n          ^',
  );
  const data = 'export default { model() {}, loss() {}, optimizer() {}, data: () => null.x };';
  expect(await complaint({ 'm.mjs': data })).toMatch(
    /^train: m\.mjs: data\(\): Cannot read properties of null.*\n {2}at m\.mjs:1:74\n {4}export/,
  );
});

it('a long line is shown around the mark, and fits the terminal', async () => {
  const said = await complaint(
    { 'm.mjs': `${'/* x */ '.repeat(50)}throw new Error("boom");` },
    { columns: 40 },
  );
  const [code = '', mark = ''] = said.split('\n').slice(-2);
  expect(code.length).toBeLessThanOrEqual(40);
  expect(code.slice(mark.indexOf('^'))).toMatch(/^new Error/);
});

it('what is behind an error is said', async () => {
  const text = 'throw new Error("no data", { cause: new Error("connection refused") });';
  expect(await complaint({ 'm.mjs': text })).toContain('no data\n  because of: connection refused\n');
});

const refused: [string, Readonly<Record<string, string>>, string | RegExp][] = [
  [
    'a .mjs file that requires',
    { 'm.mjs': 'require("node:fs");' },
    /require is not defined.*\n {2}at m\.mjs:1:1/,
  ],
  ['a .cjs file that exports', { 'm.cjs': 'export default {};' }, 'for import and export, name it m.mjs\n'],
  [
    'a package of CommonJS',
    { 'm.js': 'import "node:fs";', 'package.json': '{"type":"commonjs"}' },
    'name it m.mjs, or say "type": "module" in its package.json\n  at m.js:1:1',
  ],
  ['a missing package', { 'm.mjs': 'import "nowhere-x";' }, "Cannot find package 'nowhere-x'"],
  ['a missing file', { 'm.mjs': 'import "./nowhere";' }, 'does its path end with the extension?'],
  ['JSON', { 'm.json': '{}' }, 'a training module is a file of JavaScript, as .mjs or .js, got m.json'],
  ['text', { 'm.txt': '{}' }, 'a training module is a file of JavaScript, as .mjs or .js, got m.txt'],
  ['an empty file', { 'm.mjs': '' }, 'must export by default an object with the functions'],
  [
    'a promise for ever',
    { 'm.mjs': 'await new Promise(() => {});' },
    'its import waits for a promise that is never',
  ],
  ['an end too early', { 'm.mjs': 'export default {\n' }, 'Unexpected end of input\n  at m.mjs:2'],
  ['an object that is thrown', { 'm.mjs': 'throw { status: 404 };' }, 'train: m.mjs: { status: 404 }'],
  ['control characters', { 'm.mjs': 'throw new Error("a\\x1b[2J\\u202eb");' }, 'm.mjs: a\\x1b[2J\\u202eb\n'],
];

it.each(sampled(refused, 2))('%s is refused with words that help', async (_, files, message) => {
  expect(await complaint(files)).toMatch(message);
});

it
  .runIf(!Reflect.get(process.features, 'typescript'))
  .each(LONG ? ['ts', 'mts', 'cts', 'tsx'] : ['ts', 'tsx'])('a .%s file is', async (extension) => {
  const said = await complaint({ [`m.${extension}`]: 'export default {};' });
  expect(said).toMatch(/: node --import tsx \S+main\.js train m\.\w+$/);
  if (extension !== 'tsx') expect(said).toContain('use Node.js 22.18 or later, or the package tsx');
});

it('a file that is not there is, with the nearest name', async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'model.mjs'), '');
  const { stderr } = await chainrule(['train', 'modle.mjs'], { cwd });
  expect(stderr).toMatch(/^train: modle\.mjs: there is no file .*modle\.mjs; did you mean model\.mjs\?$/m);
});

it.runIf(process.platform !== 'win32')('no command waits for a FIFO or reads a directory', async () => {
  const cwd = folder();
  execFileSync('mkfifo', [join(cwd, 'pipe')]);
  const kinds = [
    ['pipe', 'a FIFO (named pipe)'],
    ['.', 'a directory'],
    ['/dev/zero', 'a device'],
  ] as const;
  for (const [i, command] of ['train', 'plan', 'profile', 'info'].entries()) {
    // The sample asks each command for one of them in turn.
    for (const [path, kind] of LONG ? kinds : [kinds[i % kinds.length] ?? kinds[0]]) {
      const { code, stderr } = await chainrule([command, path], { cwd });
      expect(stderr).toContain(`must be a regular file, got ${kind}`);
      expect(code).toBe(1);
    }
  }
});

it('with source maps, too, the place is in the file of the user', async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'm.mjs'), 'throw new Error("boom");');
  const { stderr } = await chainrule(['train', 'm.mjs'], {
    cwd,
    env: { NODE_OPTIONS: '--enable-source-maps' },
  });
  expect(stderr).toMatch(/boom\n {2}at m\.mjs:1:7\n/);
});

import { describe, expect, it } from 'vitest';
import {
  flagSwitches,
  fullFolders,
  homelessSources,
  outdatedPicture,
  upwardImports,
  valueCycles,
} from '../../scripts/architecture/faults.mjs';
import { importsOf, sourcesOf } from '../../scripts/architecture/imports.mjs';
import { decisionsByMessage } from '../../scripts/architecture/messages.mjs';
import { opComparisons } from '../../scripts/architecture/op-comparisons.mjs';
import { picture } from '../../scripts/architecture/picture.mjs';

const layers = [['bench'], ['lib/train'], ['lib/train/fit'], ['lib/ops', 'lib/nn'], ['lib/graph']];
const link = (from: string, to: string, value = true) => ({ from, to, value });

describe('the architecture refuses', () => {
  it.each([
    [
      'an import from above',
      link('lib/graph/a.ts', 'lib/ops/b.ts'),
      /a.ts imports lib\/ops\/b.ts.*lib\/graph/,
    ],
    ['one of types alone', link('lib/graph/a.ts', 'lib/ops/b.ts', false), /a.ts imports/],
    ['one from the same layer', link('lib/ops/a.ts', 'lib/nn/b.ts'), /a.ts imports/],
    ['one of the bench by the library', link('lib/train/a.ts', 'bench/b.ts'), /a.ts imports bench/],
    ['one from the room around it', link('lib/train/fit/a.ts', 'lib/train/b.ts'), /a.ts imports/],
  ])('%s', (_, one, message) => {
    const [fault, ...more] = upwardImports([one], layers);
    expect(fault).toMatch(message);
    expect(more).toEqual([]);
  });

  it.each([
    "if (node.op.kind === 'relu') return;",
    "if (['add'].includes(node.op.kind)) return;",
    "const { kind, kernel } = node.op;\n  if (kind === 'add') return;",
    'table[node.op.kind]',
    'if (node.op === reluOp) return;',
    'if (reluOp === node.op) return;',
    'if (node.op !==\n  reluOp) return;',
    'if ([addOp, subOp].includes(node.op)) return;',
    'switch (node.op) {',
  ])('code that knows an op: %s', (text) => {
    expect([...opComparisons([['a.ts', text]], {}, {})]).toEqual([
      expect.stringMatching(
        /^a.ts (?:asks for an op|reads the name of an op): read a property of its record/,
      ),
    ]);
    expect([...opComparisons([['a.ts', text]], { 'a.ts': 'why' }, { 'a.ts': 'why' })]).toHaveLength(1);
  });

  it('a reason for asking that no code needs', () => {
    const sources = [
      ['a.ts', 'const is = op === reluOp;'],
      ['b.ts', 'a.op === b.op'],
    ] as const;
    expect([...opComparisons(sources, { 'a.ts': 'why', 'b.ts': 'why' }, { 'b.ts': 'why' })]).toEqual([
      'b.ts asks for no op any more, but stands in scripts/architecture/op-comparisons.mjs',
      'b.ts names no op any more, but stands in scripts/architecture/op-comparisons.mjs',
    ]);
  });

  it('a file without a layer', () => {
    expect([...homelessSources(['lib/new/a.ts', 'lib/graph/b.ts'], layers)]).toEqual([
      'lib/new/a.ts is in no layer of scripts/architecture/layers.mjs',
    ]);
  });

  it('a cycle of values, but not of types', () => {
    const types = [link('a', 'b'), link('b', 'c', false), link('c', 'a')];
    expect([...valueCycles(types)]).toEqual([]);
    expect([...valueCycles([...types, link('b', 'c')])]).toEqual(['a cycle of values: a -> b -> c -> a']);
  });

  it('a folder with many files, not counting those below it', () => {
    const files = ['a/1', 'a/2', 'a/b/1', 'a/b/2', 'a/b/3'];
    expect([...fullFolders(files, 2)]).toEqual(['a/b holds 3 files; more than 2 want folders']);
  });

  it('a file that switches flags of the engine', () => {
    const sources = [
      ['lib/a.ts', "v8.setFlagsFromString('--expose-gc');"],
      ['lib/b.ts', 'collectGarbage();'],
    ] as const;
    expect([...flagSwitches(sources)]).toEqual([
      'lib/a.ts switches flags of the engine in the process of its user',
    ]);
  });

  it('a picture that is out of date', () => {
    expect([...outdatedPicture(`the house:\n${picture(layers)}\n`, layers)]).toEqual([]);
    expect([...outdatedPicture(picture(layers.slice(1)), layers)]).toHaveLength(1);
  });
});

describe('the architecture refuses a decision by the text of an error', () => {
  it.each([
    'if (error.message === RELEASED) return;',
    "return 'stopped' !== error?.message;",
    "error instanceof Error && error.message.startsWith('worker exited')",
    "messageOf(error).toLowerCase().includes('memory')",
    'if (!REFUSAL.test(error.message)) throw error;',
    "const [op] = failure.cause.message.split(': ');",
    "const { message: why } = error;\nif (why.endsWith('failed')) retry();",
    "const text = cause instanceof Error ? cause.message : '';\nswitch (text) {}",
    "error.stack?.includes('pool.ts')",
  ])('%s', (text) => {
    expect([...decisionsByMessage('lib/a.ts', text)]).toHaveLength(1);
  });

  it('but not its display', () => {
    const text = [
      'const message = failed(messageOf(cause), epoch);',
      "worker.on('message', (reply) => settle(reply));",
      "if (error.code === 'ERR_CHAINRULE_DATA') console.error(error.message);",
      "return messageOf(error).replaceAll(path, '');",
    ].join('\n');
    expect([...decisionsByMessage('lib/a.ts', text)]).toEqual([]);
  });
});

it('imports are read with what they take', () => {
  const imports = importsOf(sourcesOf(['lib', 'test']));
  expect(imports).toContainEqual(link('test/helpers/loss-names.ts', 'lib/nn/losses/accuracy.ts'));
  expect(imports).toContainEqual(link('lib/ops/fluent.ts', 'lib/ops/index.ts'));
  expect(imports).toContainEqual(link('lib/graph/tensor.ts', 'lib/graph/op.ts', false));
  expect(imports).toContainEqual(link('lib/cli/bench-command.ts', 'lib/cli/bench.ts', false));
});

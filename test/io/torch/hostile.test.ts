import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { io } from 'chainrule';
import { describe, expect, it } from 'vitest';
import { ChainruleError } from '#lib/graph/errors.js';
import { withFile } from '#lib/io/random-access.js';
import { storedInTorch } from '#lib/io/torch/torch.js';
import { readFixture } from '../../helpers/fixtures.js';
import { useFolder } from '../../helpers/folder.js';
import { readBoth } from '../both.js';
import { fileBytes } from '../recorded-files.js';
import { forge } from '../zip/forge.js';
import {
  archiveOf,
  assemble,
  type Code,
  call,
  dict,
  global,
  int,
  list,
  pickleOf,
  tensor,
  text,
  tuple,
} from './assemble.js';

const recorded = readFixture<{ readonly refused: Readonly<Record<string, string>> }>('torch_files');
const folder = useFolder();

/** Finds the tensors of a state dict, and reads none of them. */
const readStateDict = async (file: string | Uint8Array) =>
  await withFile(file, async (opened) => [...(await storedInTorch(opened)).tensors.keys()]);

async function expectRefused(bytes: Uint8Array, message: string): Promise<void> {
  const path = join(folder(), 'x.pt');
  await writeFile(path, bytes);
  for (const read of [io.readTorch, readStateDict]) {
    const error = await readBoth(path, read).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ChainruleError);
    expect(String(error)).toContain(`ChainruleError: ${path}: `);
    expect(String(error)).toContain(message);
  }
}

describe('what PyTorch saves and is not data', () => {
  const messages: Readonly<Record<string, string>> = {
    'a storage': 'entry archive/data.pkl: ',
    'conjugated or negated': 'a conjugated or negated view is not read; save its clone()',
    'before version 1.6':
      'is a pickle, as PyTorch wrote before version 1.6, and not an archive; load it in PyTorch',
    TorchScript:
      'is a TorchScript archive, which holds a program; save its tensors alone: torch.save(torch.jit',
    'torch.float8_e4m3fnuz': 'tensors of this dtype are not read, got torch.float8_e4m3fnuz',
    'builtins.list, which is not data': 'entry archive/data.pkl: ',
  };

  it.each(Object.entries(recorded.refused))('is refused: %s', async (name, file) => {
    const reason = name.startsWith('torch.') ? 'is not read' : 'is not data';
    const usual = `the file holds ${name}, which ${reason}; save tensors and plain values alone: torch.save(model.state_dict(), path)`;
    await expectRefused(fileBytes(file), messages[name] ?? usual);
  });
});

describe('hostile pickles', () => {
  const many = 60_000;
  /** A list in a list, and so on. */
  const nested: Code = [']'.repeat(many), 'a'.repeat(many - 1)];
  /** Each list holds the one before it twice: 2^400 lists, were they counted. */
  const doubled: Code = [']q\x000', Array.from({ length: 400 }, () => '](h\0h\0eq\x000'), 'h\0'];
  const pair = dict([text('a'), 'h\0'], [text('b'), 'h\0']);
  const doubledDicts: Code = ['}q\x000', Array.from({ length: 60 }, () => [pair, 'q\x000']), 'h\0'];

  it.each<[string, Code, string]>([
    ['of code', call('os.system', text('true')), 'at byte 2, the file holds os.system, which is not data'],
    [
      'of code by names on the stack',
      [text('builtins'), text('eval'), '\x93', tuple(text('1')), 'R'],
      'holds builtins.eval, which is not data',
    ],
    [
      'of a name of Object',
      global('constructor.constructor'),
      'holds constructor.constructor, which is not data',
    ],
    ['of a name of a Map', global('.__proto__'), 'holds .__proto__, which is not data'],
    [
      'that calls a class which is known',
      call('builtins.list'),
      'only functions that make data are called, got builtins.list',
    ],
    [
      'that calls text',
      [text('os.system'), tuple(), 'R'],
      'only functions that make data are called, got os.system',
    ],
    [
      'that calls a dtype',
      call('torch.float32'),
      'only functions that make data are called, got torch.float32',
    ],
    [
      'that builds an object',
      [global('collections.OrderedDict'), tuple(), '\x81'],
      'the instruction NEWOBJ (0x81) is refused',
    ],
    ['with an extension', '\x82\x01', 'the instruction EXT1 (0x82) is refused'],
    ['with an instance', '(ios\nsystem\n', 'the instruction INST (0x69) is refused'],
    ['with an unknown instruction', '\xff', 'the instruction 0xff is refused'],
    ['that gives an object attributes', [list(), dict(), 'b'], 'only a dict gets attributes'],
    ['of protocol 1', '\x80\x01N', 'the protocol of a pickle must be from 2 to 5, got 1'],
    ['of protocol 6', '\x80\x06N', 'the protocol of a pickle must be from 2 to 5, got 6'],
    ['that ends early', [text('a'), 'X\xff\xff\xff\x7f'], '2147483647 bytes must follow, got 1'],
    ['with a text that is too long', '\x8d\xff\xff\xff\xff\xff\xff\xff\xff', 'bytes must follow, got 1'],
    ['with bytes that are too long', '\x96\0\0\0\0\0\x01\0\0', '1099511627776 bytes must follow, got 1'],
    [
      'with an integer that is too long',
      '\x8b\xff\xff\xff\x7f',
      'an integer may have 1024 bytes, got 2147483647',
    ],
    ['with an integer of negative length', '\x8b\xff\xff\xff\xff', 'an integer may have 1024 bytes, got -1'],
    ['with text that is no UTF-8', 'X\x01\0\0\0\xff', 'a text must be UTF-8'],
    ['with a name without an end', 'cos', 'a line has no end'],
    ['with a name that is a number', [int(1), int(2), '\x93'], 'a module and a name must be text, got [1,2]'],
    ['that gets what it never put', 'h\x07', 'nothing has been put into the memo at this place, got 7'],
    ['that puts what is not there', 'q\0', 'values are missing on the stack'],
    ['that takes what is not there', '\x87', 'values are missing on the stack'],
    ['that takes what is below a mark', [int(1), int(2), '(', '\x86'], 'values are missing on the stack'],
    ['without a mark', 't', 'a mark is missing on the stack'],
    ['with an end below a mark', [int(1), '('], 'values are missing on the stack'],
    ['with two values', [int(1), int(2)], 'one value must be left, got 2'],
    ['with no value', '', 'values are missing on the stack'],
    ['with bytes behind it', [int(1), '.', 'N'], '2 bytes follow the end of the pickle'],
    ['with a key without a value', ['}(', int(1), 'u'], 'each key must have a value'],
    ['that appends to a dict', [dict(), int(1), 'a'], 'only a list is appended to'],
    ['that puts keys into a list', [list(), int(1), int(1), 's'], 'only a dict gets keys'],
    ['that puts items into a list', [list(), '(', int(1), '\x90'], 'only a set gets items'],
    ['with arguments that are none', [global('torch.Size'), int(1), 'R'], 'arguments must be a tuple, got 1'],
    ['with a class as data', list(global('builtins.dict')), 'entry x/data.pkl: '],
    ['nested deeply', [nested], 'entry x/data.pkl: '],
    [
      'of dicts nested deeply',
      [Array.from({ length: 600 }, () => ['}', text('a')]), int(1), 's'.repeat(600)],
      'entry x/data.pkl: ',
    ],
    [
      'that copies a list again and again',
      [
        list(Array.from({ length: many }, () => 'N')),
        'q\0',
        '(',
        Array.from({ length: many }, () => [global('builtins.set'), 'h\0\x85R']),
      ],
      'the pickle has more copied than it holds',
    ],
    [
      'that encodes a text again and again',
      [
        '(',
        text('x'.repeat(many)),
        'q\0',
        Array.from({ length: 9 }, () => [global('_codecs.encode'), 'h\0', text('latin1'), '\x86R']),
      ],
      'the pickle has more copied than it holds',
    ],
    [
      'with text for latin1 that is not',
      call('_codecs.encode', text('€'), text('latin1')),
      'characters up to 255, got 8364',
    ],
    [
      'with another encoding',
      call('_codecs.encode', text('a'), text('rot13')),
      '_codecs.encode is for text and latin1 alone',
    ],
  ])('are refused: one %s', async (_, code, message) => {
    await expectRefused(archiveOf(assemble(['\x80\x02', code, '.'])), message);
  });

  it('is read where lists are shared any number of times', async () => {
    const path = join(folder(), 'x.pt');
    await writeFile(path, archiveOf(pickleOf(doubled)));
    let [first, second] = (await io.readTorch(path)) as unknown[];
    for (let depth = 0; depth < 399; depth++) {
      expect(first).toBe(second);
      [first, second] = first as unknown[];
    }
  });

  it('is refused as a state dict where dicts are shared too often', async () => {
    const path = join(folder(), 'x.pt');
    const state = dict([text('w'), tensor()], [text('d'), doubledDicts]);
    await writeFile(path, archiveOf(pickleOf(state)));
    await expect(readStateDict(path)).rejects.toThrow('the same dicts stand in it too often');
  });

  it('does not change the prototype of an object', async () => {
    const path = join(folder(), 'x.pt');
    await writeFile(path, archiveOf(pickleOf(dict([text('__proto__'), dict([text('polluted'), int(1)])]))));
    const read = (await io.readTorch(path)) as Record<string, unknown>;
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read)).toBe(null);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('hostile tensors', () => {
  const expanded = (count: number) => tensor({ size: tuple(int(count)), stride: tuple(int(0)) });

  it.each<[string, Code, string]>([
    [
      'beyond its storage',
      tensor({ offset: int(1) }),
      'a tensor [2,3] must lie in the 6 elements of its storage, got 6',
    ],
    [
      'with strides beyond it',
      tensor({ stride: tuple(int(4), int(1)) }),
      'must lie in the 6 elements of its storage, got 6',
    ],
    [
      'with strides past 2^53',
      tensor({ stride: tuple(int(2 ** 53 - 1), int(2 ** 53 - 1)) }),
      'must lie in the 6 elements',
    ],
    [
      'with a negative offset',
      tensor({ offset: int(-1) }),
      'the offset of a tensor must be a non-negative integer, got -1',
    ],
    [
      'with a negative size',
      tensor({ size: tuple(int(-1), int(1)) }),
      'the size of a tensor must be non-negative integers, got [-1,1]',
    ],
    [
      'with a negative stride',
      tensor({ stride: tuple(int(-1), int(1)) }),
      'the strides of a tensor must be non-negative integers',
    ],
    [
      'with a huge size',
      tensor({ size: tuple(int(2 ** 40), int(2 ** 40)), stride: tuple(int(0), int(0)) }),
      'repeats its storage of 24 too often',
    ],
    [
      'with a size that is none',
      tensor({ size: text('ab') }),
      'the size of a tensor must be non-negative integers, got ab',
    ],
    [
      'with half a size',
      tensor({ size: tuple('G?\xe0\0\0\0\0\0\0', int(1)) }),
      'the size of a tensor must be non-negative integers, got [0.5,1]',
    ],
    [
      'with too few strides',
      tensor({ stride: tuple(int(1)) }),
      'a tensor has up to 64 axes, and a stride for each, got [2,1]',
    ],
    [
      'with 65 axes',
      tensor({ size: tuple(...Array(65).fill(int(1))) }),
      'the size of a tensor must be non-negative integers',
    ],
    [
      'that repeats its elements',
      expanded(17_000_000),
      'a tensor of 68000000 bytes repeats its storage of 24 too often',
    ],
    [
      'that repeat theirs together',
      dict(...Array.from({ length: 9 }, (_, i): [Code, Code] => [text(`${i}`), expanded(2_000_000 + i)])),
      'tensors overlap too often',
    ],
    [
      'of no storage',
      tensor({ id: int(1) }),
      "a storage must be ('storage', class, key, location, numel), got 1",
    ],
    [
      'of another id',
      tensor({ id: tuple(text('module'), int(1), int(1), int(1), int(1)) }),
      "a storage must be ('storage', class",
    ],
    [
      'of a class that is none',
      tensor({ type: 'collections.OrderedDict' }),
      "a storage must be ('storage', class",
    ],
    [
      'of a storage that is not there',
      tensor({ storage: text('1') }),
      'there must be an entry for the storage, got',
    ],
    [
      'of a storage elsewhere',
      tensor({ storage: text('../version') }),
      'there must be an entry for the storage, got ../version',
    ],
    [
      'of a longer storage',
      tensor({ elements: int(7) }),
      'entry x/data/0 has 24 bytes, not elements of torch.FloatStorage, got 7',
    ],
    [
      'of a storage of other elements',
      tensor({ type: 'torch.DoubleStorage' }),
      'has 24 bytes, not elements of torch.DoubleStorage, got 6',
    ],
    [
      'of an untyped storage',
      tensor({ type: 'torch.storage.UntypedStorage', elements: int(24) }),
      'a tensor is made of a typed storage',
    ],
    [
      'with metadata',
      tensor({ more: [dict([text('conj'), '\x88'])] }),
      'a conjugated or negated view is not read',
    ],
    ['with too many arguments', tensor({ more: ['N', 'N'] }), 'a tensor is made of a typed storage'],
    ['of nothing', call('torch._utils._rebuild_tensor_v2'), 'a tensor is made of a typed storage'],
    [
      'that is no parameter',
      call('torch._utils._rebuild_parameter', int(1), '\x88', dict()),
      'a parameter is made of a tensor',
    ],
  ])('are refused: one %s', async (_, code, message) => {
    await expectRefused(archiveOf(pickleOf(code)), message);
  });

  it('may repeat a few elements, or have a size of 0 anywhere', async () => {
    const path = join(folder(), 'x.pt');
    const empty = tensor({
      offset: int(99),
      size: tuple(int(0), int(2 ** 40)),
      stride: tuple(int(2 ** 40), int(1)),
    });
    await writeFile(path, archiveOf(pickleOf(list(expanded(3), empty))));
    expect(await io.readTorch(path)).toEqual([
      { dtype: 'float32', shape: [3], data: Float32Array.of(0, 0, 0) },
      { dtype: 'float32', shape: [0, 2 ** 40], data: new Float32Array(0) },
    ]);
  });
});

describe('hostile archives', () => {
  const pickle = pickleOf(dict([text('w'), tensor()]));

  it.each<[string, Uint8Array, string]>([
    ['that is empty', new Uint8Array(0), 'is not a zip archive that can be read'],
    ['that is a pickle', pickle, 'is a pickle, as PyTorch wrote before version 1.6'],
    [
      'without a pickle',
      forge([{ name: 'x/version', data: '3' }]),
      'is not a file of torch.save, which has one entry data.pkl in a folder, got 0',
    ],
    [
      'with two pickles',
      forge([
        { name: 'x/data.pkl', data: pickle },
        { name: 'y/data.pkl', data: pickle },
      ]),
      'one entry data.pkl in a folder, got 2',
    ],
    [
      'with another order of bytes',
      archiveOf(pickle, { byteorder: 'middle' }),
      'entry x/byteorder: must be little or big, got middle',
    ],
    ['with code', archiveOf(pickle, { 'code/a.py': 'pass' }), 'is a TorchScript archive'],
    [
      'with a storage that is cut short',
      archiveOf(pickle, { 'data/0': 'abc' }),
      'entry x/data/0 has 3 bytes',
    ],
  ])('are refused: one %s', async (_, bytes, message) => {
    await expectRefused(bytes, message);
  });

  it('are refused where a storage is damaged, once that is read', async () => {
    const path = join(folder(), 'x.pt');
    const bytes = archiveOf(pickle);
    // The storage comes last but one.
    bytes[Buffer.from(bytes).indexOf('x/data/0') + 10] = 1;
    await writeFile(path, bytes);
    await expect(io.readTorch(path)).rejects.toThrow(
      `${path}: entry x/data/0: is damaged: its CRC-32 must be`,
    );
    await withFile(path, async (opened) => {
      const { tensors } = await storedInTorch(opened);
      await expect(tensors.get('w')?.read()).rejects.toThrow('entry x/data/0: is damaged');
    });
  });
});

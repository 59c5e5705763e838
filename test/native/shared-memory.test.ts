import { describe, expect, it } from 'vitest';
import { sharedMemory, viewInto } from '#lib/parallel/protocol/shared-memory.js';
import { addon } from '#lib/runtime/addon.js';

describe('combine', () => {
  const ADD = addon().constants.sums.add;
  const length = 1000;
  const sources = Array.from({ length: 5 }, (_, s) =>
    Float32Array.from({ length }, (_, i) => Math.sin(1 + s * length + i) * 10 ** s),
  );
  const at = (source: number, i: number) => (sources[source] as Float32Array)[i] as number;
  const sum = (a: number, b: number) => Math.fround(a + b);

  it.each<[string, number[], (i: number) => number]>([
    ['one source', [3], (i) => at(3, i)],
    ['from the left', [0, 1, ADD, 2, ADD], (i) => sum(sum(at(0, i), at(1, i)), at(2, i))],
    ['from the right', [0, 1, 2, ADD, ADD], (i) => sum(at(0, i), sum(at(1, i), at(2, i)))],
    [
      'as a tree with one left over',
      [0, 1, ADD, 2, 3, ADD, ADD, 4, ADD],
      (i) => sum(sum(sum(at(0, i), at(1, i)), sum(at(2, i), at(3, i))), at(4, i)),
    ],
  ])('adds in the order of its program: %s', (_, program, expected) => {
    const output = new Float32Array(length).fill(-1);
    addon().combine(output, sources, Int32Array.from(program), Float64Array.of(3, 900));
    expect(output).toEqual(Float32Array.from({ length }, (_, i) => (i < 3 || i >= 900 ? -1 : expected(i))));
  });

  it('adds float64, over one of the sources too', () => {
    const output = Float64Array.of(0.1, 0.2);
    const others = [output, Float64Array.of(0.2, 0.4), Float64Array.of(0.3, 0.6)];
    addon().combine(output, others, Int32Array.of(0, 1, ADD, 2, ADD), Float64Array.of(0, 2));
    expect([...output]).toEqual([0.1 + 0.2 + 0.3, 0.2 + 0.4 + 0.6]);
    addon().combine(output, others, Int32Array.of(0), Float64Array.of(0, 2));
    expect([...output]).toEqual([0.1 + 0.2 + 0.3, 0.2 + 0.4 + 0.6]);
  });

  it('sums the elements in some ranges only', () => {
    const output = new Float32Array(8);
    const ones = new Float32Array(8).fill(1);
    addon().combine(output, [ones, ones], Int32Array.of(0, 1, ADD), Float64Array.of(0, 2, 4, 4, 5, 7));
    expect([...output]).toEqual([2, 2, 0, 0, 0, 2, 2, 0]);
    addon().combine(output, [ones, ones], Int32Array.of(0, 1, ADD), new Float64Array());
    expect([...output]).toEqual([2, 2, 0, 0, 0, 2, 2, 0]);
  });

  it('sets a mark when it is done, and not when it refuses', () => {
    const marks = new Int32Array(new SharedArrayBuffer(8));
    const output = new Float32Array(4);
    addon().combine(output, [output], Int32Array.of(0), Float64Array.of(0, 4), marks, 1, 7);
    expect([...marks]).toEqual([0, 7]);
    const wrong = [output, [output], Int32Array.of(0), Float64Array.of(0, 5), marks, 1, 9];
    expect(() => Reflect.apply(addon().combine, undefined, wrong)).toThrow('combine: ranges must be');
    expect([...marks]).toEqual([0, 7]);
  });

  const output = new Float32Array(4);
  const first = Int32Array.of(0);
  it.each<[string, unknown[], string]>([
    [
      'integers',
      [new Int32Array(4), [new Int32Array(4)], first, Float64Array.of(0, 4)],
      'combine: output must be Float32Array or Float64Array, got Int32Array(4)',
    ],
    [
      'no sources',
      [output, [], first, Float64Array.of(0, 4)],
      'combine: sources.length must be 1 to 1024, got 0',
    ],
    ['too many sources', [output, Array(1025).fill(output), first, Float64Array.of(0, 4)], 'got 1025'],
    [
      'a short source',
      [output, [output, new Float32Array(3)], first, Float64Array.of(0, 4)],
      'combine: sources[1] must be Float32Array of at least 4 elements, got Float32Array(3)',
    ],
    ['another type', [output, [new Float64Array(4)], first, Float64Array.of(0, 4)], 'got Float64Array(4)'],
    [
      'an end past the output',
      [output, [new Float32Array(9)], first, Float64Array.of(0, 5)],
      'combine: ranges must be pairs of start and end within the output, got Float64Array(2)',
    ],
    [
      'an end before the start',
      [output, [output], first, Float64Array.of(3, 2)],
      'combine: ranges must be pairs of start and end within the output',
    ],
    [
      'a negative start',
      [output, [output], first, Float64Array.of(-1, 2)],
      'combine: ranges must be pairs of start and end within the output',
    ],
    ['a half element', [output, [output], first, Float64Array.of(0.5, 2)], 'ranges must be pairs'],
    ['a start without an end', [output, [output], first, Float64Array.of(0, 2, 3)], 'ranges must be pairs'],
    ['ranges of another type', [output, [output], first, [0, 2]], 'combine: ranges must be Float64Array'],
    [
      'a start of NaN',
      [output, [output], first, Float64Array.of(Number.NaN, 2)],
      'combine: ranges must be pairs of start and end within the output',
    ],
    [
      'a source that is not there',
      [output, [output], Int32Array.of(1), Float64Array.of(0, 4)],
      'combine: program must be a sum',
    ],
    [
      'a sum of nothing',
      [output, [output], Int32Array.of(ADD), Float64Array.of(0, 4)],
      'combine: program must be a sum',
    ],
    [
      'two values',
      [output, [output], Int32Array.of(0, 0), Float64Array.of(0, 4)],
      'combine: program must be a sum',
    ],
    [
      'another word',
      [output, [output], Int32Array.of(-2), Float64Array.of(0, 4)],
      'combine: program must be a sum',
    ],
    [
      'too deep a program',
      [output, [output], new Int32Array(17), Float64Array.of(0, 4)],
      'combine: program must be a sum',
    ],
    [
      'a mark that is not there',
      [output, [output], first, Float64Array.of(0, 4), new Int32Array(1), 1, 1],
      'combine: markIndex must be an integer from 0 to 0, got 1',
    ],
    [
      'marks of another type',
      [output, [output], first, Float64Array.of(0, 4), output, 0, 1],
      'combine: marks must be Int32Array',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(addon().combine, undefined, given)).toThrow(message);
  });
});

describe('trainings', () => {
  it('counts those of the process, and takes none back that this thread did not add', () => {
    const before = addon().trainings(0);
    expect(addon().trainings(1)).toBe(before + 1);
    expect(addon().trainings(1)).toBe(before + 2);
    addon().trainings(-1);
    expect(addon().trainings(-1)).toBe(before);
    expect(() => addon().trainings(-1)).toThrow('trainings: change must be an integer from 0 to 1, got -1');
  });
});

describe('gatherRows', () => {
  const source = Uint8Array.from({ length: 12 }, (_, i) => i);

  it('copies the rows that a stretch of the indices names', () => {
    const destination = new Uint8Array(9);
    addon().gatherRows(destination, source, Int32Array.of(9, 3, 0, 3), 1, 3, 3);
    expect([...destination]).toEqual([9, 10, 11, 0, 1, 2, 9, 10, 11]);
    const doubles = new Float64Array(2);
    addon().gatherRows(doubles, Float64Array.of(0.5, 1.5, 2.5), Int32Array.of(2, 1), 0, 2, 1);
    expect([...doubles]).toEqual([2.5, 1.5]);
  });

  const destination = new Uint8Array(6);
  it.each<[string, unknown[], string]>([
    [
      'an index past the end',
      [destination, source, Int32Array.of(0, 4), 0, 2, 3],
      'gatherRows: index 4 at position 1 is outside 0..3',
    ],
    [
      'a negative index',
      [destination, source, Int32Array.of(-1), 0, 1, 3],
      'index -1 at position 0 is outside 0..3',
    ],
    ['half a row', [destination, source, Int32Array.of(2), 0, 1, 5], 'index 2 at position 0 is outside 0..1'],
    [
      'more rows than fit',
      [destination, source, new Int32Array(9), 0, 3, 3],
      'gatherRows: count must be an integer from 0 to 2, got 3',
    ],
    [
      'more rows than indices',
      [destination, source, new Int32Array(3), 2, 2, 3],
      'gatherRows: count must be an integer from 0 to 1, got 2',
    ],
    ['a start past the end', [destination, source, new Int32Array(3), 4, 0, 3], 'gatherRows: start must be'],
    ['empty rows', [destination, source, new Int32Array(3), 0, 1, 0], 'gatherRows: rowElements must be'],
    [
      'another type',
      [destination, new Int8Array(12), new Int32Array(3), 0, 1, 3],
      'gatherRows: source must be Uint8Array, got Int8Array(12)',
    ],
    [
      'indices of another type',
      [destination, source, new Uint32Array(3), 0, 1, 3],
      'gatherRows: indices must be Int32Array',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(addon().gatherRows, undefined, given)).toThrow(message);
  });
});

describe('barrier', () => {
  const words = () => new Int32Array(new SharedArrayBuffer(64));

  it('lets one party through at once', () => {
    const state = words();
    for (let turn = 0; turn < 3; turn++)
      expect(addon().barrierWait(state, addon().barrierArrive(state, 1), 1, 0)).toBe(0);
  });

  it('stays arrived after a timeout', () => {
    const state = words();
    const first = addon().barrierArrive(state, 2);
    expect(addon().barrierWait(state, first, 2, 1)).toBe(1);
    expect(addon().barrierWait(state, first, 2, 0)).toBe(1);
    const second = addon().barrierArrive(state, 2);
    expect(addon().barrierWait(state, second, 2, 0)).toBe(0);
    expect(addon().barrierWait(state, first, 2, 0)).toBe(0);
  });

  it('stays aborted until its words are zeroed', () => {
    const state = words();
    const ticket = addon().barrierArrive(state, 2);
    addon().barrierAbort(state);
    expect(addon().barrierWait(state, ticket, 2, 60_000)).toBe(2);
    expect(addon().barrierWait(state, addon().barrierArrive(state, 1), 1, 0)).toBe(2);
    state.fill(0);
    expect(addon().barrierWait(state, addon().barrierArrive(state, 1), 1, 0)).toBe(0);
  });

  it.each<[string, () => unknown, string]>([
    [
      'too few words',
      () => addon().barrierArrive(new Int32Array(15), 1),
      'barrierArrive: state must be Int32Array of at least 16',
    ],
    [
      'words of another type',
      () => addon().barrierAbort(new Uint32Array(16) as never),
      'barrierAbort: state must be',
    ],
    ['no parties', () => addon().barrierArrive(words(), 0), 'barrierArrive: parties must be'],
    ['half a party', () => addon().barrierArrive(words(), 1.5), 'got 1.5'],
    [
      'a ticket of its own making',
      () => addon().barrierWait(words(), 2 ** 31, 1, 0),
      'barrierWait: ticket must be',
    ],
    [
      'a timeout of NaN',
      () => addon().barrierWait(words(), 0, 1, Number.NaN),
      'barrierWait: timeoutMs must be',
    ],
    [
      'an endless timeout',
      () => addon().barrierWait(words(), 0, 1, Number.POSITIVE_INFINITY),
      'got Infinity',
    ],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('addressModulo', () => {
  it('tells how far an array is from a multiple', () => {
    const buffer = new SharedArrayBuffer(256);
    const start = addon().addressModulo(new Uint8Array(buffer), 64);
    for (const offset of [0, 8, 64, 72]) {
      const expected = (start + offset) % 64;
      expect(addon().addressModulo(new Float64Array(buffer, offset, 1), 64)).toBe(expected);
    }
    expect(() => addon().addressModulo(new Uint8Array(buffer), 0)).toThrow(
      'modulus must be an integer from 1',
    );
  });

  it('is 0 where shared memory begins', () => {
    for (const elements of [0, 1, 100, 1e6]) {
      expect(addon().addressModulo(viewInto(sharedMemory('float32', elements)), 64)).toBe(0);
    }
  });
});

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { context, guarded, transpose } from '../helpers/addon-plans.js';

describe('run', () => {
  const input = Float32Array.of(1, 2, 3, 4, 5, 6);

  it('runs the steps in order, again and again', () => {
    const handle = addon().createPlan(transpose());
    const output = new Float32Array(6);
    for (let turn = 0; turn < 3; turn++) {
      addon().run(handle, [input.map((x) => x + turn), output], context);
      expect([...output]).toEqual([1, 4, 2, 5, 3, 6].map((x) => x + turn));
    }
  });

  it('takes views and shared memory', () => {
    const memory = new Float32Array(new SharedArrayBuffer(64));
    memory.set(input, 2);
    addon().run(addon().createPlan(transpose()), [memory.subarray(2, 8), memory.subarray(10)], context);
    expect([...memory.subarray(10)]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it.each<[string, unknown[], string]>([
    [
      'a handle of its own making',
      [{}, [], context],
      'run: handle must be made by createPlan, and not released, got an object',
    ],
    ['no handle', [], 'run: handle must be an object, got undefined'],
    ['no bindings', [addon().createPlan(transpose())], 'run: bindings must be an array, got undefined'],
    [
      'too few bindings',
      [addon().createPlan(transpose()), [input], context],
      'run: bindings.length must be 2, got 1',
    ],
    [
      'a short binding',
      [addon().createPlan(transpose()), [input, new Float32Array(5)], context],
      'run: bindings[1] must be Float32Array(6), got Float32Array(5)',
    ],
    [
      'a long binding',
      [addon().createPlan(transpose()), [input, new Float32Array(7)], context],
      'got Float32Array(7)',
    ],
    [
      'another type',
      [addon().createPlan(transpose()), [input, new Int32Array(6)], context],
      'got Int32Array(6)',
    ],
    ['a plain list', [addon().createPlan(transpose()), [input, [...input]], context], 'got an array'],
    [
      'a DataView',
      [addon().createPlan(transpose()), [input, new DataView(new ArrayBuffer(24))], context],
      'got an object',
    ],
    [
      'a short context',
      [addon().createPlan(transpose()), [input, new Float32Array(6)], new Uint32Array(3)],
      'run: context must be',
    ],
    [
      'a long context',
      [addon().createPlan(transpose()), [input, new Float32Array(6)], new Uint32Array(17)],
      'run: context must be',
    ],
    [
      'a context of another type',
      [addon().createPlan(transpose()), [input, new Float32Array(6)], new Int32Array(4)],
      'run: context must be',
    ],
  ])('refuses %s', (_, given, message) => {
    expect(() => Reflect.apply(addon().run, undefined, given)).toThrow(message);
  });

  it('refuses a binding whose memory was transferred away, also by a getter of the list', () => {
    const handle = addon().createPlan(transpose());
    const output = new Float32Array(6);
    const gone = new Float32Array(6);
    const bindings = [gone, output];
    Object.defineProperty(bindings, 1, {
      get: () => {
        structuredClone(gone.buffer, { transfer: [gone.buffer] });
        return output;
      },
    });
    expect(() => addon().run(handle, bindings, context)).toThrow(
      'run: bindings[0] must be Float32Array(6), got Float32Array(0)',
    );
  });

  it('refuses to run a plan inside its own run', () => {
    const handle = addon().createPlan(transpose());
    const output = new Float32Array(6);
    const bindings = [input, output];
    Object.defineProperty(bindings, 1, {
      get: () => {
        addon().run(handle, [input, output], context);
        return output;
      },
    });
    expect(() => addon().run(handle, bindings, context)).toThrow('plan: is already running');
    addon().run(handle, [input, output], context);
  });

  it("passes a step's error on, and runs again after it", () => {
    const handle = addon().createPlan(guarded(3));
    const output = new Int32Array(3);
    expect(() => addon().run(handle, [Int32Array.of(1, 12, 3), output], context)).toThrow(
      'labels: index 12 at position 1 is outside 0..9',
    );
    addon().run(handle, [Int32Array.of(1, 2, 3), output], context);
    expect([...output]).toEqual([1, 2, 3]);
  });

  it('says so when there is not enough memory', () => {
    const handle = addon().createPlan({ arenaBytes: 2 ** 46, bindings: [], steps: [] });
    expect(() => addon().run(handle, [], context)).toThrow(`plan: cannot allocate ${2 ** 46} bytes`);
  });

  it('refuses a plan that was released', () => {
    const handle = addon().createPlan(transpose());
    const output = new Float32Array(6);
    addon().run(handle, [input, output], context);
    addon().releasePlan(handle);
    const released = 'handle must be made by createPlan, and not released';
    expect(() => addon().run(handle, [input, output], context)).toThrow(released);
    expect(() => addon().releasePlan(handle)).toThrow(released);
    expect(() => addon().summingSteps(handle)).toThrow(released);
  });

  it('refuses to release a plan while it reads its arguments', () => {
    const handle = addon().createPlan(transpose());
    const bindings = [input, new Float32Array(6)];
    Object.defineProperty(bindings, 1, { get: () => addon().releasePlan(handle) });
    expect(() => addon().run(handle, bindings, context)).toThrow('plan: is running');
    addon().run(handle, [input, new Float32Array(6)], context);
  });
});

describe('runAsync', () => {
  const input = Float32Array.of(1, 2, 3, 4, 5, 6);

  it('keeps its handle busy until it is done, and its bindings alive', async () => {
    const handle = addon().createPlan(transpose());
    const output = new Float32Array(6);
    const bindings = [input, output];
    const running = addon().runAsync(handle, bindings, context);
    bindings.length = 0;
    expect(() => addon().run(handle, [input, output], context)).toThrow('plan: is already running');
    expect(() => addon().releasePlan(handle)).toThrow('plan: is running');
    await expect(addon().runAsync(handle, [input, output], context)).rejects.toThrow(
      'plan: is already running',
    );
    await running;
    expect([...output]).toEqual([1, 4, 2, 5, 3, 6]);
    addon().run(handle, [input, output], context);
  });

  it('is not disturbed by the release of other plans, also in its arena', async () => {
    const arena = addon().createArena();
    const [running, ...others] = Array.from({ length: 40 }, () => addon().createPlan(transpose(), arena));
    const output = new Float32Array(6);
    const done = addon().runAsync(running as (typeof others)[0], [input, output], context);
    for (const other of others) addon().releasePlan(other);
    await done;
    expect([...output]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('runs several plans at a time', async () => {
    const outputs = Array.from({ length: 16 }, () => new Float32Array(6));
    await Promise.all(
      outputs.map((output, i) =>
        addon().runAsync(addon().createPlan(transpose()), [input.map((x) => x * i), output], context),
      ),
    );
    outputs.forEach((output, i) => {
      expect([...output]).toEqual([1, 4, 2, 5, 3, 6].map((x) => x * i));
    });
  });

  it('rejects for a bad argument and for a step that fails', async () => {
    const handle = addon().createPlan(guarded(1));
    const output = new Int32Array(1);
    await expect(addon().runAsync(handle, [output], context)).rejects.toThrow(
      'runAsync: bindings.length must be 2, got 1',
    );
    await expect(addon().runAsync(handle, [Int32Array.of(-1), output], context)).rejects.toThrow(
      'labels: index -1 at position 0 is outside 0..9',
    );
    await addon().runAsync(handle, [Int32Array.of(7), output], context);
    expect([...output]).toEqual([7]);
  });
});

/** What an addon says that is loaded in such an environment: the instruction set, or why it is refused. */
const loadedIn = (env: NodeJS.ProcessEnv) =>
  execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import('#lib/runtime/addon.js').then(({ addon }) => addon().isa()).then(console.log, (error) => console.log(error.message));`,
    ],
    { env: { ...process.env, ...env }, encoding: 'utf8' },
  ).trim();

describe('the instruction set', () => {
  const loaded = (name: string) => loadedIn({ CHAINRULE_ISA: name });

  it('is any of those that this machine has, by name', () => {
    for (const isa of addon().isas()) expect(loaded(isa)).toBe(isa);
    expect(loaded('')).toBe(addon().isas().at(-1));
  });

  it('is refused when it is none of them', () => {
    expect(loaded('abacus')).toContain(
      `CHAINRULE_ISA: must be one of ${addon().isas().join(', ')} here, got 'abacus'`,
    );
  });
});

describe('the size of the second-level cache', () => {
  const loaded = (bytes: string) => loadedIn({ CHAINRULE_L2_CACHE: bytes });

  it('is any number of bytes', () => {
    for (const bytes of ['1', '262144', '']) expect(loaded(bytes)).toBe(addon().isa());
  });

  it.each(['0', '-1', '1M', ' 5', '1.5', '99999999999999999999'])('is not %s', (bytes) => {
    expect(loaded(bytes)).toContain(`CHAINRULE_L2_CACHE: must be a positive number of bytes, got '${bytes}'`);
  });
});

it('names its BLAS', () => {
  expect(addon().blas()).not.toBe('');
});

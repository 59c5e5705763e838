import { describe, expect, it } from 'vitest';
import { addon } from '#lib/runtime/addon.js';
import { context, operand, transpose } from '../helpers/addon-plans.js';

const input = Float32Array.of(1, 2, 3, 4, 5, 6);
const transposed = [1, 4, 2, 5, 3, 6];

/** Fills an arena of the given size with numbers that would be visible in any result. */
const spoil = (bytes: number) => ({
  arenaBytes: bytes,
  bindings: [],
  steps: [{ kernel: 'fill', value: Number.NaN, output: operand(0, 0, [bytes / 4]) }],
});

/** Growth of the process in units that are large compared with everything else it allocates meanwhile. */
const UNIT = 64 << 20;
const growthSince = (before: number) => Math.round((process.memoryUsage.rss() - before) / UNIT) || 0;

describe('an arena that plans share', () => {
  it('serves each of them in turn, and keeps nothing that they need', () => {
    const arena = addon().createArena();
    const plan = addon().createPlan(transpose(), arena);
    const spoiler = addon().createPlan(spoil(4096), arena);
    const output = new Float32Array(6);
    for (let turn = 0; turn < 3; turn++) {
      addon().run(plan, [input, output], context);
      expect([...output]).toEqual(transposed);
      addon().run(spoiler, [], context);
    }
  });

  it('is as large as the largest of them, and is given back at once', () => {
    const arena = addon().createArena();
    const [small, large] = [
      addon().createPlan(spoil(UNIT), arena),
      addon().createPlan(spoil(3 * UNIT), arena),
    ];
    const before = process.memoryUsage.rss();
    const held = [small, large, small].map((plan) => {
      addon().run(plan, [], context);
      return growthSince(before);
    });
    expect(held).toEqual([1, 3, 3]);
    addon().releaseArena(arena);
    expect(growthSince(before)).toBe(0);
    addon().run(small, [], context);
    expect(growthSince(before)).toBe(1);
    addon().releasePlan(large);
    addon().releasePlan(small);
    expect(growthSince(before)).toBe(1);
    addon().releaseArena(arena);
    expect(growthSince(before)).toBe(0);
  });

  it('lets one plan run at a time', async () => {
    const arena = addon().createArena();
    const [first, second] = [addon().createPlan(transpose(), arena), addon().createPlan(transpose(), arena)];
    const outputs = [new Float32Array(6), new Float32Array(6)] as const;
    const running = addon().runAsync(first, [input, outputs[0]], context);
    const message = 'plan: another plan is running in its arena';
    await expect(addon().runAsync(second, [input, outputs[1]], context)).rejects.toThrow(message);
    expect(() => addon().run(second, [input, outputs[1]], context)).toThrow(message);
    expect(() => addon().releaseArena(arena)).toThrow('plan: is running in this arena');
    await running;
    addon().run(second, [input, outputs[1]], context);
    expect(outputs.map((output) => [...output])).toEqual([transposed, transposed]);
  });

  it('gives back memory at once, also below memory in use', () => {
    const arenaOf = (bytes: number) => {
      const arena = addon().createArena();
      addon().run(addon().createPlan(spoil(bytes), arena), [], context);
      return arena;
    };
    // An allocator takes a block of this size, once it was freed, for one that it should keep.
    addon().releaseArena(arenaOf(30 << 20));
    const before = process.memoryUsage.rss();
    const arenas = Array.from({ length: 100 }, (_, i) => arenaOf((1 << 20) + 65536 * i));
    expect(growthSince(before)).toBeGreaterThan(5);
    for (const arena of arenas.slice(0, -1)) addon().releaseArena(arena);
    expect(growthSince(before)).toBeLessThan(2);
  });

  it('is not shared by plans that run together', () => {
    const arena = addon().createArena();
    const handles = [addon().createPlan(transpose(), arena), addon().createPlan(transpose(), arena)];
    const bindings = handles.map(() => [input, new Float32Array(6)]);
    const results = Int32Array.of(1, 1, 0, 6);
    expect(() =>
      addon().runTogether(handles, bindings, new Uint32Array(8), Int32Array.of(0, 1, -1), results),
    ).toThrow('plan: another plan is running in its arena');
    addon().run(handles[0] as (typeof handles)[0], bindings[0] as Float32Array[], context);
  });

  it('says so when there is not enough memory, and serves smaller plans then', () => {
    const arena = addon().createArena();
    const plan = addon().createPlan(transpose(), arena);
    const output = new Float32Array(6);
    addon().run(plan, [input, output], context);
    const huge = addon().createPlan({ arenaBytes: 2 ** 46, bindings: [], steps: [] }, arena);
    expect(() => addon().run(huge, [], context)).toThrow(`plan: cannot allocate ${2 ** 46} bytes`);
    addon().run(plan, [input, output.fill(0)], context);
    expect([...output]).toEqual(transposed);
  });

  it('is refused when released twice only by what is no arena', () => {
    const arena = addon().createArena();
    addon().releaseArena(arena);
    addon().releaseArena(arena);
    const plan = addon().createPlan(transpose(), arena) as unknown as typeof arena;
    expect(() => addon().releaseArena(plan)).toThrow(
      'releaseArena: arena must be made by createArena, got an object',
    );
  });

  it.each<[string, unknown, string]>([
    ['a plain object', {}, 'createPlan: arena must be made by createArena, got an object'],
    ['a number', 64, 'createPlan: arena must be an object, got 64'],
    [
      'a plan',
      addon().createPlan(transpose()),
      'createPlan: arena must be made by createArena, got an object',
    ],
  ])('is not %s', (_, arena, message) => {
    expect(() => Reflect.apply(addon().createPlan, undefined, [transpose(), arena])).toThrow(message);
  });
});

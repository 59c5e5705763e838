import { describe, expect, it } from 'vitest';
import { type Cached, cacheLimit, PlanCache } from '#lib/runtime/cache/plan-cache.js';
import type { MemorySize } from '#lib/runtime/memory-size.js';
import { usableMemory } from '#lib/runtime/usable-memory.js';

/** A plan of some bytes that notes when it is freed. */
class Fake implements Cached {
  freed = 0;
  holds = true;

  constructor(readonly bytes: number) {}

  free(): void {
    this.freed++;
  }
}

const filled = (limit: number, sizes: Readonly<Record<string, number>>) => {
  const cache = new PlanCache<Fake>(() => limit);
  const plans = Object.fromEntries(Object.entries(sizes).map(([key, bytes]) => [key, new Fake(bytes)]));
  for (const [key, plan] of Object.entries(plans)) cache.add(key, plan);
  return { cache, plans, kept: () => Object.keys(plans).filter((key) => plans[key]?.freed === 0) };
};

describe('the limit of a cache', () => {
  it.each<[MemorySize, number]>([
    ['64MB', 64e6],
    ['1.5 kB', 1500],
    [7.9, 7],
    // Unlike a budget, it may exceed what the process may use.
    [1e18, 1e18],
  ])('is what was asked for: %s', (asked, bytes) => {
    expect(cacheLimit('compile', asked)(0)).toBe(bytes);
  });

  it('is at most 256 MB and an eighth of what the process may use by default', () => {
    const limitAt = cacheLimit('compile', undefined);
    // Small plans are kept without a question.
    expect(limitAt(1000)).toBeGreaterThan(1000);
    const limit = limitAt(2 ** 20);
    expect(limit).toBe(Math.min(256e6, Math.floor(usableMemory().bytes / 8)));
    expect(limit).toBeGreaterThan(0);
    expect(limitAt(1000)).toBe(limit);
  });
});

describe('a cache of plans', () => {
  it('keeps as many bytes as the limit, and frees once what was used least recently', () => {
    const { cache, plans, kept } = filled(100, { a: 40, b: 40, c: 20 });
    expect([cache.bytes, cache.plans.length, kept()]).toEqual([100, 3, ['a', 'b', 'c']]);
    expect(cache.get('a')).toBe(plans.a);
    cache.add('d', new Fake(1));
    expect(kept()).toEqual(['a', 'c']);
    expect(cache.get('b')).toBeUndefined();
    expect([cache.bytes, cache.plans.length]).toEqual([61, 3]);
    cache.add('e', new Fake(55));
    expect(kept()).toEqual(['a']);
    expect(plans.b?.freed).toBe(1);
  });

  it('frees several for a large one, and keeps the last one whatever its size', () => {
    const { cache, kept } = filled(100, { a: 30, b: 30, c: 30 });
    const large = new Fake(500);
    cache.add('large', large);
    expect(kept()).toEqual([]);
    expect([cache.get('large'), cache.bytes, large.freed]).toEqual([large, 500, 0]);
    const next = new Fake(1);
    cache.add('next', next);
    expect([large.freed, cache.get('next'), cache.bytes]).toEqual([1, next, 1]);
  });

  it('tells plans of one key apart by what holds, and evicts those too', () => {
    const cache = new PlanCache<Fake>(() => 100);
    const modes = Array.from({ length: 1000 }, () => new Fake(10));
    for (const mode of modes) {
      for (const other of modes) other.holds = false;
      expect(cache.get('key')).toBeUndefined();
      mode.holds = true;
      cache.add('key', mode);
      expect(cache.get('key')).toBe(mode);
      expect(cache.bytes).toBeLessThanOrEqual(100);
    }
    expect(modes.map(({ freed }) => freed)).toEqual([...Array(990).fill(1), ...Array(10).fill(0)]);
    const old = modes[990] as Fake;
    old.holds = true;
    (modes[999] as Fake).holds = false;
    expect(cache.get('key')).toBe(old);
    cache.add('key', new Fake(10));
    expect([old.freed, modes[991]?.freed]).toEqual([0, 1]);
  });

  it('frees everything when it is cleared, and serves on', () => {
    const { cache, plans } = filled(100, { a: 40, b: 40 });
    cache.clear();
    expect([cache.bytes, cache.plans.length, cache.get('a')]).toEqual([0, 0, undefined]);
    expect(Object.values(plans).map(({ freed }) => freed)).toEqual([1, 1]);
    const again = new Fake(40);
    cache.add('a', again);
    expect(cache.get('a')).toBe(again);
  });
});

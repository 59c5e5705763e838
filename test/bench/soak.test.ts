import { describe, expect, it } from 'vitest';
import { soakPicture } from '#bench/memory/soak/picture.js';
import { flatnessOf, isSteady, soakSummary } from '#bench/memory/soak/report.js';
import { Choices } from '#bench/memory/soak/requests.js';
import { runSoak } from '#bench/memory/soak/run.js';
import { SAMPLE, type SoakSample, WHOLE } from '#bench/memory/soak/sizes.js';
import { LONG } from '../helpers/long.js';

const MB = 1e6;

describe.runIf(process.platform === 'linux')('a service that predicts, trains and swaps weights', () => {
  it('ends with the threads and file handles that it began with, and gives its memory back', async () => {
    const run = await runSoak(LONG ? WHOLE : SAMPLE, LONG ? 512 * MB : undefined);
    const { samples, released, sizes, shapes } = run;
    expect(samples).toHaveLength(sizes.rounds + 1);
    expect(shapes).toBeGreaterThan(200);
    const [first] = samples;
    expect([released.threads, released.handles]).toEqual([first?.threads, first?.handles]);
    expect([released.heldBytes, (first?.heldBytes ?? 0) > 0]).toEqual([0, true]);
    // Each shape used to keep its own arena.
    const most = Math.max(...samples.map(({ anonymousBytes }) => anonymousBytes));
    expect(most).toBeLessThan((first?.anonymousBytes ?? 0) + (LONG ? 350 : 100) * MB);
    if (LONG) expect(isSteady(run)).toBe(true);
  });
});

const sampleOf = (round: number, megabytes: number): SoakSample => ({
  round,
  seconds: 6 * round,
  residentBytes: (megabytes + 50) * MB,
  anonymousBytes: megabytes * MB,
  heapBytes: 20 * MB,
  heldBytes: 10 * MB,
  threads: 12,
  handles: 19,
});

describe('the report of a soak', () => {
  const grown = Array.from({ length: 101 }, (_, round) => sampleOf(round, 100 + round));
  const flat = Array.from({ length: 101 }, (_, round) => sampleOf(round, 100 + Math.min(round, 30)));
  const cgroup = { version: 2, bytes: 512 * MB, peakBytes: 180 * MB } as const;
  const runOf = (samples: readonly SoakSample[], released = sampleOf(100, 60)) => ({
    samples,
    released,
    sizes: WHOLE,
    shapes: 5000,
    cgroup,
  });

  it('compares the halves of the rounds after the caches are full', () => {
    expect(flatnessOf(grown)).toEqual({ before: 169 * MB, after: 200 * MB });
    expect(flatnessOf(flat)).toEqual({ before: 130 * MB, after: 130 * MB });
  });

  it('says what is not steady', () => {
    expect(isSteady(runOf(flat))).toBe(true);
    expect(isSteady(runOf(grown))).toBe(false);
    expect(isSteady(runOf(flat, { ...sampleOf(100, 60), threads: 13 }))).toBe(false);
    expect(isSteady(runOf(flat, { ...sampleOf(100, 60), handles: 20 }))).toBe(false);
    expect(soakSummary(runOf(grown))).toContain('NOT STEADY');
  });

  it('tells what was done, where, and what it took', () => {
    expect(soakSummary(runOf(flat))).toMatchInlineSnapshot(`
      "20000 predictions of 5000 shapes, 300 swaps of weights and 300 fits of two trainers, in 10 minutes, in a cgroup of 512
      MB (version 2). The cgroup has held 180 MB at most. Memory without pages of files was 100 MB at the start. Once the
      caches were full, it was 130 MB at most in the first half of the remaining rounds and 130 MB in the second, and 60.0 MB
      after \`release()\`. There were 12 threads and 19 file handles at the start, and 12 and 19 at the end."
    `);
  });

  it('draws each sample within the picture', () => {
    const picture = soakPicture(runOf(flat));
    const lines = [...picture.matchAll(/points="([^"]*)"/g)].map(([, points = '']) => points.split(' '));
    expect(lines.map((points) => points.length)).toEqual([101, 101, 101, 101, 101]);
    for (const point of lines.flat()) {
      const [x = -1, y = -1] = point.split(',').map(Number);
      expect(x >= 0 && x <= 760 && y >= 0 && y <= 480).toBe(true);
    }
    expect(picture).toContain('limit, 512 MB');
    expect(soakPicture({ ...runOf(flat), cgroup: undefined })).not.toContain('limit');
  });
});

describe('the choices of a soak', () => {
  it('are the same for the same seed, and evenly spread', () => {
    const [a, b, other] = [new Choices(1), new Choices(1), new Choices(2)];
    const drawn = Array.from({ length: 10_000 }, () => a.upTo(10));
    expect(Array.from({ length: 10_000 }, () => b.upTo(10))).toEqual(drawn);
    expect(Array.from({ length: 10_000 }, () => other.upTo(10))).not.toEqual(drawn);
    for (let value = 1; value <= 10; value++) {
      const share = drawn.filter((one) => one === value).length / drawn.length;
      expect(Math.abs(share - 0.1)).toBeLessThan(0.02);
    }
  });
});

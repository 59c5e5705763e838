import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FirstFit } from '#lib/compile/arena/first-fit.js';
import { type Arena, largestLiveBytes, layOutArena } from '#lib/compile/arena/lay-out.js';
import { sweep } from '#lib/compile/arena/sweep.js';
import { tightestFit } from '#lib/compile/arena/tighten.js';
import { type Lifetime, peakOf } from '#lib/compile/liveness/live-bytes.js';
import { operandsOf } from '#lib/compile/plan/operands.js';
import type { Plan, Step } from '#lib/compile/plan/plan.js';
import { contiguous, type Value } from '#lib/compile/plan/values.js';
import { verifyPlan } from '#lib/compile/verify/plan.js';

const options = { numRuns: 300, seed: 6 };

const value = (id: number, elements: number): Value => ({
  buffer: { kind: 'arena', id, bytes: elements * 4 },
  layout: contiguous([elements]),
  dtype: 'float32',
});

/** Steps that each make a value of 1 to 100 floats from earlier ones; half are element-wise, on values of one size. */
const programs = fc
  .array(
    fc.record({
      elementwise: fc.boolean(),
      // Distance to the operands: mostly short, so that many values have short lifetimes.
      back: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, fc.nat(60)), {
        minLength: 1,
        maxLength: 3,
      }),
      elements: fc.integer({ min: 1, max: 100 }),
    }),
    { minLength: 1, maxLength: 80 },
  )
  .map((recipes) => {
    const values: Value[] = [value(0, 16)];
    return recipes.map(({ elementwise, back, elements }): Step<Value> => {
      const operands = back.map((by) => values[Math.max(0, values.length - 1 - by)] as Value);
      const size = elementwise ? (operands[0]?.layout.shape[0] as number) : elements;
      const output = value(values.length, size);
      values.push(output);
      const facts = { label: '', flops: 0 };
      if (!elementwise) {
        const inputs = Object.fromEntries(operands.map((operand, i) => [`${i}`, operand]));
        return { kernel: 'call', name: 'any', ...facts, inputs, output, attributes: {} };
      }
      const fitting = operands.filter((operand) => operand.layout.shape[0] === size);
      const program = { compute: 'float32', shape: [size], instructions: [], results: [0] } as const;
      return { kernel: 'map', ...facts, ...program, operands: fitting, outputs: [output] };
    });
  });

/** When each buffer is touched first and last, read off the steps. */
function livesOf(steps: readonly Step<Value>[]) {
  const lives = new Map<number, { id: number; first: number; last: number; bytes: number }>();
  steps.forEach((step, index) => {
    const { reads, writes } = operandsOf(step);
    for (const { buffer } of [...reads, ...writes]) {
      if (buffer.kind !== 'arena') continue;
      const { id, bytes } = buffer;
      lives.set(id, { id, bytes, first: lives.get(id)?.first ?? index, last: index });
    }
  });
  return [...lives.values()];
}

function expectApart(steps: readonly Step<Value>[], { offsets }: Arena): void {
  const lives = livesOf(steps).map((life) => ({ ...life, offset: offsets.get(life.id) as number }));
  for (const a of lives) {
    for (const b of lives) {
      const together = Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1;
      if (a.id >= b.id || together <= 0) continue;
      const apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      // One may be written over the other where this dies, by an element-wise step of the same size.
      const inPlace =
        steps[b.first]?.kernel === 'map' &&
        a.last === b.first &&
        a.offset === b.offset &&
        a.bytes === b.bytes;
      if (!apart && !inPlace) throw new Error(`buffers ${a.id} and ${b.id} overlap`);
    }
  }
}

describe('the arena of random steps', () => {
  it('keeps apart what is alive at the same step', () => {
    fc.assert(
      fc.property(programs, (steps) => expectApart(steps, layOutArena(steps))),
      options,
    );
  });

  it('is as large as its blocks reach, which start at cache lines', () => {
    fc.assert(
      fc.property(programs, (steps) => {
        const { blocks, bytes, offsets } = layOutArena(steps);
        expect(bytes).toBe(Math.max(...blocks.map((block) => block.offset + block.bytes)));
        for (const block of blocks) expect([block.offset % 64, block.bytes % 64]).toEqual([0, 0]);
        for (const { id, bytes: used } of livesOf(steps)) {
          expect((offsets.get(id) as number) + used).toBeLessThanOrEqual(bytes);
        }
      }),
      options,
    );
  });

  it('is not smaller than what is alive at once', () => {
    fc.assert(
      fc.property(programs, (steps) => {
        const { blocks, bytes } = layOutArena(steps);
        const live = steps.map((_, step) =>
          blocks.reduce((sum, b) => sum + (b.first <= step && step <= b.last ? b.bytes : 0), 0),
        );
        expect(largestLiveBytes(steps)).toBe(Math.max(...live));
        expect(bytes).toBeGreaterThanOrEqual(Math.max(...live));
      }),
      options,
    );
  });

  it('is the same each time', () => {
    fc.assert(
      fc.property(programs, (steps) => {
        expect(layOutArena(steps)).toEqual(layOutArena(steps));
      }),
      options,
    );
  });
});

const lives = (...blocks: [bytes: number, first: number, last: number][]): Lifetime[] =>
  blocks.map(([bytes, first, last]) => ({ bytes, first, last }));

describe('the tightest fit', () => {
  it('climbs to the bound where no greedy order reaches it', () => {
    const blocks = lives([192, 1, 3], [192, 1, 2], [256, 2, 3], [256, 3, 3], [192, 0, 2], [128, 3, 3]);
    expect(tightestFit(new FirstFit(blocks), 832).bytes).toBe(832);
  });

  it('gives up after so much work where the bound cannot be reached', () => {
    const fit = new FirstFit(lives([64, 0, 1], [64, 1, 2]));
    expect(tightestFit(fit, 64).bytes).toBe(128);
    expect(fit.looks).toBeLessThan(1e5);
  });
});

describe('the check of plans, on random blocks', () => {
  const blocks = fc.array(
    fc.record({
      offset: fc.nat(12).map((n) => n * 64),
      bytes: fc.nat(3).map((n) => n * 64),
      first: fc.nat(12),
      length: fc.nat(4),
    }),
    { maxLength: 7 },
  );
  const uses = fc.array(fc.record({ offset: fc.nat(16), size: fc.nat(20), step: fc.nat(12) }), {
    maxLength: 3,
  });

  it('finds what a comparison of all with all finds', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(blocks, uses, (drawn, operands) => {
        const placed = drawn.map(({ length, ...block }) => ({ ...block, last: block.first + length }));
        const steps = Array.from({ length: 13 }, (_, index): Step => {
          const own = operands.filter(({ step }) => step === index);
          const outputs = own.map(({ offset, size }) => ({
            buffer: 0,
            offset: offset * 64,
            dtype: 'float32' as const,
            shape: [size + 1],
            strides: [1],
          }));
          const program = { compute: 'float32', shape: [], operands: [], instructions: [] } as const;
          return { kernel: 'map', label: '', flops: 0, ...program, results: [], outputs };
        });
        const plan: Plan = {
          bindings: [],
          steps,
          blocks: placed,
          arenaBytes: 4096,
          flops: 0,
          recomputedFlops: 0,
        };
        const overlap = placed.some((a, i) =>
          placed.some(
            (b, j) =>
              i !== j &&
              a.first <= b.last &&
              b.first <= a.last &&
              a.offset < b.offset + b.bytes &&
              b.offset < a.offset + a.bytes &&
              a.bytes * b.bytes > 0,
          ),
        );
        const lost = operands.some(({ offset, size, step }) => {
          const [low, high] = [offset * 64, offset * 64 + 4 * (size + 1)];
          return !placed.some(
            (b) => b.first <= step && step <= b.last && b.offset <= low && high <= b.offset + b.bytes,
          );
        });
        seen.add(`${overlap} ${lost}`);
        if (overlap || lost) {
          const faults = [...(overlap ? ['overlap'] : []), ...(lost ? ['no block holds'] : [])];
          expect(() => verifyPlan(plan)).toThrow(new RegExp(faults.join('|')));
        } else verifyPlan(plan);
      }),
      { ...options, numRuns: 2000 },
    );
    expect([...seen].sort()).toEqual(['false false', 'false true', 'true false', 'true true']);
  });
});

describe('the layout of more blocks than can be placed by size', () => {
  const lifetimes = fc.array(
    fc
      .record({ bytes: fc.nat(9).map((n) => 64 * n), first: fc.nat(60), length: fc.nat(20) })
      .map(({ bytes, first, length }): Lifetime => ({ bytes, first, last: first + length })),
    { minLength: 1, maxLength: 80 },
  );

  it('never overlaps, and keeps within its bytes', () => {
    fc.assert(
      fc.property(lifetimes, (all) => {
        const { offsets, bytes } = sweep(all);
        const blocks = all.map((life, i) => ({ ...life, offset: offsets[i] as number }));
        verifyPlan({ bindings: [], steps: [], blocks, arenaBytes: bytes, flops: 0, recomputedFlops: 0 });
        for (const { offset, bytes: own } of blocks) expect(offset + own).toBeLessThanOrEqual(bytes);
      }),
      options,
    );
  });

  it('takes no more than is alive at once where all blocks have one size', () => {
    fc.assert(
      fc.property(lifetimes, (all) => {
        const equal = all.map((life) => ({ ...life, bytes: 64 }));
        expect(sweep(equal).bytes).toBe(peakOf(equal, 81));
      }),
      options,
    );
    const many = Array.from({ length: 20_000 }, (_, i) => ({ bytes: 64, first: i, last: 40_000 - i }));
    const fit = new FirstFit(many);
    expect(tightestFit(fit, 64 * 20_000).bytes).toBe(64 * 20_000);
    expect(fit.looks).toBe(0);
  });
});

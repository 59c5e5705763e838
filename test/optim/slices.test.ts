import { nn, optim, type Tensor } from 'chainrule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlatParameters, flattenParameters } from '#lib/parallel/prepare/flat-parameters.js';
import { dealPieces, indivisible } from '#lib/parallel/prepare/slices.js';
import type { Slice } from '#lib/parallel/protocol/job.js';

const { init } = nn;

/** Parameters of these sizes, of which each third one is updated by a rule that needs it whole. */
function layout(sizes: readonly number[]): FlatParameters {
  const parameters = sizes.map((size, i) => {
    const parameter = new nn.Parameter([size], { init: init.zeros });
    parameter.path = i % 3 === 2 ? 'whole' : 'free';
    return parameter;
  });
  const whole = optim.adafactor();
  const { rule, schedule } = optim.adam();
  const optimizer = new optim.Optimizer(rule, schedule, {}, [
    { match: /whole/, rule: whole.rule, schedule: whole.schedule },
  ]);
  return flattenParameters(parameters, [], optimizer);
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30_000 })), {
  minLength: 1,
  maxLength: 9,
});

describe('the memory of a trainer', () => {
  it('holds each parameter once, on cache lines, those of one group together', () => {
    fc.assert(
      fc.property(sizes, (chosen) => {
        const { parameters, runs, offsets, trainableElements } = layout(chosen);
        expect(parameters).toHaveLength(chosen.length);
        let end = 0;
        for (const run of runs) {
          expect(run.start).toBe(end);
          end = run.end;
          for (const parameter of run.parameters) {
            const offset = offsets.get(parameter) as number;
            expect(offset % 16).toBe(0);
            expect(offset).toBeGreaterThanOrEqual(run.start);
            expect(offset + parameter.size).toBeLessThanOrEqual(run.end);
          }
          expect(run.divisible).toBe(run.group === 1);
          if (!run.divisible) expect(run.parameters).toHaveLength(1);
        }
        expect(end).toBe(trainableElements);
      }),
      { numRuns: 60 },
    );
  });

  it('is cut into pieces that are all dealt, in order and about evenly, whole parameters uncut', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (chosen, workers) => {
        const flat = layout(chosen);
        const pieces = indivisible(flat);
        const ends = pieces.map(({ end }) => end);
        expect(pieces.map(({ start }) => start)).toEqual([0, ...ends.slice(0, -1)]);
        expect(ends.at(-1)).toBe(flat.trainableElements);
        for (const { start, end, divisible } of flat.runs) {
          if (!divisible) expect(pieces).toContainEqual({ start, end, work: end - start });
        }
        const firsts = dealPieces(pieces, workers);
        expect(firsts[0]).toBe(0);
        expect(firsts[workers]).toBe(pieces.length);
        const largest = Math.max(...pieces.map(({ start, end }) => end - start));
        for (let rank = 0; rank < workers; rank++) {
          const mine: readonly Slice[] = pieces.slice(firsts[rank], firsts[rank + 1]);
          const elements = mine.reduce((total, { start, end }) => total + end - start, 0);
          expect(elements).toBeLessThanOrEqual(flat.trainableElements / workers + largest);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('groups', () => {
  class Two extends nn.Module {
    first = new nn.Linear(2, 3);
    second = new nn.Linear(3, 1);
    forward(x: Tensor): Tensor {
      return this.second.forward(this.first.forward(x));
    }
  }

  it('take the parameters that they are the first to match; all others are in the last', () => {
    const optimizer = optim.sgd({
      lr: 1,
      groups: [
        { match: /second/g, lr: 2 },
        { match: (path, { ndim }) => ndim === 1 && path !== 'x', lr: 3 },
      ],
    });
    const taken = new Two()
      .namedParameters()
      .map(([path, parameter]) => [path, optimizer.groupOf(parameter)]);
    expect(taken).toEqual([
      ['first.weight', 2],
      ['first.bias', 1],
      ['second.weight', 0],
      ['second.bias', 0],
    ]);
    expect(optimizer.groups.map(({ schedule }) => schedule(0))).toEqual([2, 3, 1]);
  });
});

import { nn, optim, Trainer } from 'chainrule';
import { describe, expect, it } from 'vitest';
import type { Block, Plan, Step } from '#lib/compile/plan/plan.js';
import { drawMemory } from '#lib/preflight/memory-picture.js';
import { images, Net } from '../helpers/training.js';

const operand = (offset: number, bytes: number) =>
  ({ buffer: 0, offset, dtype: 'float32', shape: [bytes / 4], strides: [1] }) as const;

/** A step that writes a block, in a layer; `again` where it is computed again. */
const step = (label: string, phase: 'forward' | 'backward', again = false): Step => ({
  kernel: 'fill',
  value: 0,
  output: operand(0, 4),
  label,
  flops: 1,
  origin: { layer: `layer of ${label}`, phase },
  ...(again ? { recomputed: true as const } : {}),
});

const planOf = (steps: readonly Step[], blocks: readonly Block[]): Plan => ({
  bindings: [],
  steps,
  blocks,
  arenaBytes: Math.max(...blocks.map(({ offset, bytes }) => offset + bytes)),
  flops: steps.length,
  recomputedFlops: steps.filter(({ recomputed }) => recomputed).length,
});

const product: Step = {
  kernel: 'call',
  name: 'matmul',
  inputs: {},
  output: operand(0, 4),
  workspace: operand(7000, 1000),
  attributes: {},
  label: 'matmul',
  flops: 1,
};

const small = planOf(
  [
    step('a', 'forward'),
    step('b<c', 'forward'),
    product,
    step('d', 'backward'),
    step('a', 'forward', true),
    step('e', 'backward'),
  ],
  [
    { offset: 0, bytes: 4000, first: 0, last: 5 },
    { offset: 4000, bytes: 3000, first: 1, last: 2 },
    { offset: 7000, bytes: 1000, first: 2, last: 2 },
    { offset: 5000, bytes: 2000, first: 3, last: 4 },
    { offset: 7000, bytes: 2500, first: 4, last: 5 },
  ],
);

interface Rectangle {
  readonly kind: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
}

function rectangles(svg: string, kind: RegExp): Rectangle[] {
  return [...svg.matchAll(/<rect ([^>]*?)(?:\/>|>(.*?)<\/rect>)/gs)].flatMap(
    ([, attributes = '', inner = '']) => {
      const value = (name: string) => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
      if (!kind.test(value('class'))) return [];
      const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(value(name)));
      return [{ kind: value('class'), x, y, width, height, title: inner } as Rectangle];
    },
  );
}

/** The frame of each panel, and the pixels of a byte, from a block that is known. */
function scaleOf(svg: string, plan: Plan) {
  const [frame] = rectangles(svg, /^frame$/);
  const [first] = rectangles(svg, /^block/);
  if (!frame || !first) throw new Error('no frame or no block');
  const bottom = frame.y + frame.height;
  return { frame, bottom, pixels: first.height / (plan.blocks[0] as Block).bytes };
}

const largest = ({ steps, blocks }: Plan): number =>
  Math.max(
    ...steps.map((_, i) =>
      blocks.reduce((sum, { first, last, bytes }) => (first <= i && i <= last ? sum + bytes : sum), 0),
    ),
  );

/** The highest point of the curve of live bytes, in pixels from the top. */
const topOfCurve = (svg: string): number =>
  Math.min(
    ...[...(/class="live" d="(M[^"]*V[^"]*)"/.exec(svg)?.[1] ?? '').matchAll(/V([\d.]+)/g)].map(([, y]) =>
      Number(y),
    ),
  );

describe('the picture of the memory of a plan', () => {
  it('has every block at its place, from its first step to the end of its last', () => {
    const svg = drawMemory([{ name: 'small', plan: small }]);
    const { frame, bottom, pixels } = scaleOf(svg, small);
    const blocks = rectangles(svg, /^block/);
    expect(blocks).toHaveLength(small.blocks.length);
    small.blocks.forEach(({ offset, bytes, first, last }, i) => {
      const { x, y, width, height } = blocks[i] as Rectangle;
      expect((x - frame.x) / frame.width).toBeCloseTo(first / 6, 4);
      expect(width / frame.width).toBeCloseTo((last + 1 - first) / 6, 4);
      expect(height).toBeCloseTo(bytes * pixels, 1);
      expect(bottom - y - height).toBeCloseTo(offset * pixels, 1);
    });
  });

  it('colours them by what they are for, and says of each what it is', () => {
    const svg = drawMemory([{ name: 'small', plan: small }]);
    const blocks = rectangles(svg, /^block/);
    expect(blocks.map(({ kind }) => kind.split(' ')[1])).toEqual([
      'kept',
      'transient',
      'workspace',
      'transient',
      'recomputed',
    ]);
    expect(blocks[0]?.title).toBe(
      '<title>a, layer of a forward\nkept for the backward pass, 4.00 kB, steps 0 to 5</title>',
    );
    expect(blocks[1]?.title).toContain('b&lt;c, layer of b&lt;c forward');
    expect(svg).toContain('20.0 % more operations');
  });

  it('has a curve that is as high as the largest sum of what is alive', () => {
    const svg = drawMemory([{ name: 'small', plan: small }]);
    const { bottom, pixels } = scaleOf(svg, small);
    expect(largest(small)).toBe(8500);
    expect((bottom - topOfCurve(svg)) / pixels).toBeCloseTo(8500, -2);
    expect(svg).toContain('at most 8.50 kB alive, at step 4 (a, layer of a forward)');
  });

  it('draws plans on one scale, with the budget as a line', () => {
    const half = planOf(small.steps.slice(0, 3), [{ offset: 0, bytes: 2000, first: 0, last: 2 }]);
    const svg = drawMemory(
      [
        { name: 'before', plan: small },
        { name: 'after', plan: half },
      ],
      { limit: 6000 },
    );
    const blocks = rectangles(svg, /^block/);
    const [whole, other] = [blocks[0] as Rectangle, blocks.at(-1) as Rectangle];
    expect(other.height / whole.height).toBeCloseTo(0.5, 2);
    expect(other.width / whole.width).toBeCloseTo(0.5, 3);
    const { pixels } = scaleOf(svg, small);
    const frames = rectangles(svg, /^frame$/);
    const lines = [...svg.matchAll(/class="budget" d="M[\d.]+ ([\d.]+)H[\d.]+"/g)].map(([, y]) => Number(y));
    expect(lines).toHaveLength(2);
    frames.forEach((frame, i) => {
      expect((frame.y + frame.height - (lines[i] as number)) / pixels).toBeCloseTo(6000, -2);
    });
  });

  it('draws blocks below a pixel together, in a file that stays small', () => {
    const count = 5000;
    const steps = Array.from({ length: 2 * count }, (_, i) => step('s', i < count ? 'forward' : 'backward'));
    const blocks = Array.from({ length: count }, (_, i) => ({
      offset: 64 * i,
      bytes: 64,
      first: i,
      last: 2 * count - 1 - i,
    }));
    const plan = planOf(steps, blocks);
    const svg = drawMemory([{ name: 'large', plan }]);
    expect(svg.length).toBeLessThan(60_000);
    expect(svg).toContain(
      `kept for the backward pass: ${count} blocks too small to be drawn one by one, 320 kB`,
    );
    const [frame] = rectangles(svg, /^frame$/);
    const bottom = (frame?.y ?? 0) + (frame?.height ?? 0);
    // The blocks fill a triangle under the curve with its peak in the middle: half of the bounding box.
    const path = /<path class="kept" d="([^"]*)"/.exec(svg)?.[1] ?? '';
    const area = [...path.matchAll(/M([\d.]+) [\d.]+H([\d.]+)v([\d.]+)/g)].reduce(
      (sum, [, from, to, rows]) => sum + (Number(to) - Number(from)) * Number(rows),
      0,
    );
    const triangle = ((frame?.width ?? 0) * (bottom - topOfCurve(svg))) / 2;
    expect(area / triangle).toBeGreaterThan(0.97);
    expect(area / triangle).toBeLessThan(1.03);
  });

  it('leaves no block of a real plan out', () => {
    const trainer = new Trainer(new Net(), { loss: nn.crossEntropy, optimizer: optim.adam(), workers: 1 });
    const { before } = trainer.plan(images(16), { batchSize: 16 }).plans;
    const svg = drawMemory([{ name: 'net', plan: before }]);
    const merged = [...svg.matchAll(/: (\d+) blocks too small/g)].map(([, count]) => Number(count));
    const drawn = rectangles(svg, /^block/).length + merged.reduce((sum, count) => sum + count, 0);
    expect(drawn).toBe(before.blocks.length);
  });
});
